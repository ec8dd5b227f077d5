using Sequent.Client.Connecting.Original;
using Sequent.Client.Events;
using Sequent.Client.Reading;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>A key as it was read.</summary>
/// <param name="State">The fold of its events.</param>
/// <param name="LastValue">The value of its last event, or null.</param>
/// <param name="LogId">The log it was read from.</param>
/// <param name="ReadUpTo">There was nothing else of the key up to this position.</param>
internal readonly record struct ReadFold<TState>(TState State, uint? LastValue, string LogId, long ReadUpTo);

/// <summary>Folds the events of keys: asks the bus for what is new after the fold that is kept.</summary>
internal sealed class FoldReader(LogReader reader, EventMapper mapper, FoldCache cache)
{
    /// <summary>Reads a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="until">The last position to read, or null for everything there is.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<ReadFold<TState>> ReadAsync<TState>(string key, long? until, CancellationToken cancellationToken)
        where TState : IState<TState>
    {
        WireText.Require(key);
        while (true)
        {
            var (kept, logId) = cache.Find(key, typeof(TState));
            if (kept?.Position > until)
                (kept, logId) = (null, null);
            try
            {
                return await ReadAsync<TState>(key, kept, logId, until, cancellationToken).ConfigureAwait(false);
            }
            catch (RequestFailedException e) when (e.Code is ErrorCodes.LogChanged || (kept is not null && e.Code is ErrorCodes.PositionAhead or RequestFailedException.NotSupported))
            {
                // Other events than those that were folded: nothing that is kept counts any more.
                cache.Clear();
            }
        }
    }

    private async Task<ReadFold<TState>> ReadAsync<TState>(string key, Fold? kept, string? logId, long? until, CancellationToken cancellationToken)
        where TState : IState<TState>
    {
        var state = kept is null ? TState.Initial : (TState)kept.State;
        var fold = kept ?? new Fold(state, null, 0);
        var readUpTo = fold.Position;
        var query = new QueryMessage { Keys = [key], After = kept?.Position, LogId = logId, Until = until };
        await foreach (var page in reader.ReadAsync(query, cancellationToken).ConfigureAwait(false))
        {
            foreach (var e in page.Events)
            {
                if (e.Value != (fold.LastValue is { } last ? last + 1 : 0))
                    throw Gap(key, fold.LastValue, e);
                state = TState.Apply(state, mapper.ToRecorded(e, needsType: true));
                fold = new Fold(state, e.Value, e.Position);
            }

            (logId, readUpTo) = (page.LogId, page.Position);
        }

        cache.Keep(logId!, key, typeof(TState), fold);
        return new ReadFold<TState>(state, fold.LastValue, logId!, readUpTo);
    }

    private static RequestFailedException Gap(string key, uint? last, WireEvent next)
    {
        var hint = next.Position > 0 ? "" : $" {OriginalBus.UnknownTypesHint}";
        return new RequestFailedException(ErrorCodes.Internal, $"The event of key '{key}' after value {(last is { } value ? value : "none")} has value {next.Value}.{hint}");
    }
}
