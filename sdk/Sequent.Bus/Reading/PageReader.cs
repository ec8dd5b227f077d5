using System.Runtime.CompilerServices;
using Sequent.Bus.Publishing;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Reading;

/// <summary>
/// Reads selections of the log page by page. A page is read into memory and its read transaction ended before anybody sees it, so a
/// reader that pauses holds nothing.
/// </summary>
internal sealed class PageReader(IEventStore store, EventLog log, Sequencer sequencer)
{
    /// <summary>Everything selected, the last page marked. There is always at least one page.</summary>
    public async IAsyncEnumerable<Page> ReadAsync(Selection selection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var positions = await FindPositionsAsync(selection, cancellationToken);
        var taken = 0L;
        var (after, index) = (selection.After, 0);
        while (true)
        {
            var max = (int)Math.Min(selection.PageSize, selection.Limit - taken);
            Page page;
            if (positions is null)
                page = await ReadPageAsync(selection, after, max, cancellationToken);
            else
                (page, index) = await ReadPageAtAsync(selection, positions, index, max, cancellationToken);
            after = page.Position;
            taken += page.Events.Count;
            var last = page.Last || taken >= selection.Limit;
            yield return page with { Last = last };
            if (last)
                yield break;
        }
    }

    /// <summary>The new events after a position, as far as they are selected. Waits until the log has grown.</summary>
    public async ValueTask<Page> ReadNextAsync(Selection selection, long after, CancellationToken cancellationToken)
    {
        await log.WaitBeyondAsync(after, cancellationToken);
        var read = await log.ReadAsync(after, selection.PageSize, cancellationToken);
        if (read.Count == 0)
            return new Page([], after, after >= selection.Until);
        var position = Math.Min(read[^1].Position, selection.Until);
        return new Page([.. read.Where(e => e.Position <= position && IsSelected(selection, e))], position, position >= selection.Until);
    }

    private static bool IsSelected(Selection selection, StoredEvent e) =>
        selection.Types.Takes(e.EventType) && (selection.Keys is null || selection.Keys.Contains(e.Key));

    /// <summary>Where events of keys or ids stand; null if the log is read as a range.</summary>
    private async ValueTask<IReadOnlyList<long>?> FindPositionsAsync(Selection selection, CancellationToken cancellationToken)
    {
        if (selection.EventIds is { } ids)
        {
            var places = await store.FindAsync(ids, cancellationToken);
            return [.. places.Values.Select(p => p.Position).Where(p => p > selection.After && p <= selection.Until).Order()];
        }

        if (selection.Keys is not { } keys)
            return null;
        var positions = new List<long>();
        foreach (var end in sequencer.ReadKeys(keys.ToHashSet(StringComparer.Ordinal)).Values)
        {
            if (end is { } last)
                positions.AddRange(await store.ReadChainAsync(last.Position, selection.After, cancellationToken));
        }

        positions.RemoveAll(p => p > selection.Until);
        positions.Sort();
        return positions;
    }

    private async ValueTask<Page> ReadPageAsync(Selection selection, long after, int max, CancellationToken cancellationToken)
    {
        if (after >= selection.Until || max == 0)
            return new Page([], selection.Until, true);
        var events = selection.Types.Types is { } types
            ? await store.ReadTypesAsync(types, after, selection.Until, max, cancellationToken)
            : await store.ReadAsync(after, selection.Until, max, cancellationToken);
        return events.Count < max
            ? new Page(events, selection.Until, true)
            : new Page(events, events[^1].Position, events[^1].Position >= selection.Until);
    }

    private async ValueTask<(Page Page, int Index)> ReadPageAtAsync(
        Selection selection, IReadOnlyList<long> positions, int index, int max, CancellationToken cancellationToken)
    {
        var wanted = positions.Skip(index).Take(max).ToArray();
        var events = await log.ReadAtAsync(wanted, cancellationToken);
        var end = index + wanted.Length;
        var last = end >= positions.Count;
        return (new Page([.. events.Where(e => selection.Types.Takes(e.EventType))], last ? selection.Until : wanted[^1], last), end);
    }
}
