using Bank.Web.Api;
using Bank.Web.Live;
using Bank.Web.SignIn;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.JSInterop;

namespace Bank.Web.Components;

/// <summary>A page that shows the bank as its customer sees it now, and renders again when that changes.</summary>
public abstract class CustomerPage : ComponentBase, IAsyncDisposable
{
    protected CustomerView View { get; private set; } = null!;

    /// <summary>Speaks for the customer.</summary>
    [Inject]
    protected BankClient Bank { get; set; } = null!;

    protected Snapshot Now => View.Now;

    /// <summary>
    /// Focused when the page has come, so that screen readers begin there: the page of before is replaced, and its focus is lost. Unless the customer has moved
    /// on to something else by then.
    /// </summary>
    protected ElementReference Heading { get; set; }

    /// <summary>The account whose statement the page shows, if it shows one.</summary>
    protected virtual long? Watched => null;

    [Inject]
    private IServiceProvider Services { get; set; } = null!;

    [Inject]
    private Presence Presence { get; set; } = null!;

    [Inject]
    private NavigationManager Navigation { get; set; } = null!;

    [Inject]
    private EndedSessions Ended { get; set; } = null!;

    [Inject]
    private IJSRuntime Browser { get; set; } = null!;

    [CascadingParameter]
    private Task<AuthenticationState> Authentication { get; set; } = null!;

    // Not a service itself: it would be kept for as long as the browser is connected, however many pages it opens.
    protected override void OnInitialized() => View = ActivatorUtilities.CreateInstance<CustomerView>(Services);

    /// <summary>Only once there is a browser: what is rendered before is an empty frame, and nobody is asked twice.</summary>
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender)
            return;
        var token = SessionCookie.TokenOf((await Authentication).User);
        Bank.Token = token;
        View.Changed += OnChanged;
        Presence.Follow(View);
        View.Start(token, Watched);
        await Browser.InvokeVoidAsync("beginAt", Heading);
    }

    public async ValueTask DisposeAsync()
    {
        View.Changed -= OnChanged;
        Presence.Forget(View);
        await View.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private void OnChanged() => _ = InvokeAsync(() =>
    {
        if (!View.IsSignedOut)
        {
            StateHasChanged();
            return;
        }

        var left = Bank.Token is { } token && Ended.Has(token);
        Navigation.NavigateTo($"/expired?left={left}&return={Uri.EscapeDataString(new Uri(Navigation.Uri).PathAndQuery)}", forceLoad: true);
    });
}
