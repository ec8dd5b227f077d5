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
    /// <summary>The data of one page, in bytes: a client that asks for several pages ahead may hold them all. An event that is larger is a page of its own.</summary>
    private const int MaxPageBytes = 256 * 1024;

    /// <summary>Positions of keys that are held at once; a longer chain is walked again for every so many.</summary>
    private const int MaxPositions = 65_536;

    /// <summary>Ids that are looked up at once: publishing looks up its own by the same way.</summary>
    private const int IdsPerRead = 64;

    /// <summary>Everything selected, the last page marked. There is always at least one page.</summary>
    public IAsyncEnumerable<Page> ReadAsync(Selection selection, CancellationToken cancellationToken) =>
        selection.EventIds is null && selection.Keys is null ? ReadRangeAsync(selection, cancellationToken) : ReadPlacesAsync(selection, cancellationToken);

    /// <summary>The new events after a position, as far as they are selected. Waits until the log has grown.</summary>
    public async ValueTask<Page> ReadNextAsync(Selection selection, long after, CancellationToken cancellationToken)
    {
        await log.WaitBeyondAsync(after, cancellationToken);
        var read = await log.ReadAsync(after, selection.PageSize, MaxPageBytes, cancellationToken);
        if (read.Count == 0)
            return new Page([], after, after >= selection.Until);
        var position = Math.Min(read[^1].Position, selection.Until);
        return new Page([.. read.Where(e => e.Position <= position && selection.Takes(e))], position, position >= selection.Until);
    }

    /// <summary>The log as one stretch.</summary>
    private async IAsyncEnumerable<Page> ReadRangeAsync(Selection selection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rest = selection;
        for (var taken = 0L; ;)
        {
            var range = new LogRange(rest.After, rest.Until, (int)Math.Min(selection.PageSize, selection.Limit - taken), MaxPageBytes, selection.Descending);
            var slice = rest.After >= rest.Until ? new LogSlice([], true) : await ReadSliceAsync(selection, range, cancellationToken);
            List<StoredEvent> selected = [.. slice.Events.Where(selection.Takes)];
            taken += selected.Count;
            var last = slice.IsAll || taken >= selection.Limit;
            var end = slice.IsAll ? End(selection) : slice.Events[^1].Position;
            yield return new Page(selected, end, last);
            if (last)
                yield break;
            rest = rest.Beyond(end);
        }
    }

    private ValueTask<LogSlice> ReadSliceAsync(Selection selection, LogRange range, CancellationToken cancellationToken)
    {
        if (selection.CorrelationId is { } correlationId)
            return store.ReadCorrelatedAsync(correlationId, range, cancellationToken);
        return selection.Types.Types is { } types ? store.ReadTypesAsync(types, range, cancellationToken) : store.ReadAsync(range, cancellationToken);
    }

    /// <summary>Events of keys or ids, which are found by their places.</summary>
    private async IAsyncEnumerable<Page> ReadPlacesAsync(Selection selection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var places = await FindPlacesAsync(selection, cancellationToken);
        var taken = 0L;
        for (var index = 0; ;)
        {
            var wanted = places.Positions.Skip(index).Take((int)Math.Min(selection.PageSize, selection.Limit - taken)).ToArray();
            var read = await log.ReadAtAsync(wanted, MaxPageBytes, cancellationToken);
            List<StoredEvent> selected = [.. read.Where(selection.Takes)];
            index += read.Count;
            taken += selected.Count;
            var isEnd = index == places.Positions.Count;
            var last = (isEnd && places.IsAll) || taken >= selection.Limit;
            yield return new Page(selected, isEnd && places.IsAll ? End(selection) : read[^1].Position, last);
            if (last)
                yield break;
            if (isEnd)
                (places, index) = (await FindPlacesAsync(selection.Beyond(places.Positions[^1]), cancellationToken), 0);
        }
    }

    private async ValueTask<Places> FindPlacesAsync(Selection selection, CancellationToken cancellationToken)
    {
        List<long> positions;
        var isAll = true;
        if (selection.EventIds is { } ids)
            positions = await FindIdsAsync(ids, selection, cancellationToken);
        else
            (positions, isAll) = await FindKeysAsync(selection, cancellationToken);
        positions.Sort();
        if (selection.Descending)
            positions.Reverse();
        return new Places(positions, isAll);
    }

    private async ValueTask<List<long>> FindIdsAsync(IReadOnlyList<Guid> ids, Selection selection, CancellationToken cancellationToken)
    {
        var positions = new List<long>();
        foreach (var some in ids.Distinct().Chunk(IdsPerRead))
            positions.AddRange((await store.FindAsync(some, cancellationToken)).Values.Select(p => p.Position).Where(p => p > selection.After && p <= selection.Until));
        return positions;
    }

    /// <summary>The positions of the keys' events, as many as are held at once: from the beginning on, or from the end back.</summary>
    private async ValueTask<(List<long> Positions, bool IsAll)> FindKeysAsync(Selection selection, CancellationToken cancellationToken)
    {
        var positions = new List<long>();
        var (after, until) = (selection.After, selection.Until);
        foreach (var end in sequencer.ReadKeys(selection.Keys!).Values)
        {
            if (end is not { } last)
                continue;
            var chain = await store.ReadChainAsync(new ChainWalk(last.Position, after, until, MaxPositions) { Newest = selection.Descending }, cancellationToken);
            positions.AddRange(chain);
            if (positions.Count < MaxPositions || chain.Count == 0)
                continue;

            // Enough: of this key and the others only what comes before (or, the latest first, after) the last of these matters.
            positions.Sort();
            if (selection.Descending)
            {
                positions.RemoveRange(0, positions.Count - MaxPositions);
                after = positions[0] - 1;
            }
            else
            {
                positions.RemoveRange(MaxPositions, positions.Count - MaxPositions);
                until = positions[^1];
            }
        }

        return (positions, positions.Count < MaxPositions);
    }

    /// <summary>Up to where the log was read once everything is.</summary>
    private static long End(Selection selection) => selection.Descending ? selection.After : Math.Max(selection.After, selection.Until);

    /// <param name="Positions">Where events stand, in the order of the answer.</param>
    /// <param name="IsAll">There are no more beyond the last one.</param>
    private readonly record struct Places(IReadOnlyList<long> Positions, bool IsAll);
}
