// Where a screen reader or a keyboard begins on a page that has come; whoever was quicker than the page and is elsewhere by now stays there.
function beginAt(heading) {
    if (!document.activeElement || document.activeElement === document.body)
        heading.focus({ preventScroll: true });
}
