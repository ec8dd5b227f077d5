namespace Sequent.Bus.Storage;

/// <summary>
/// The log of events. One caller appends (the sequencer); anybody reads. Reads answer from what is committed and hold no
/// transaction between calls, so that a reader that pauses never makes the store's files grow.
/// </summary>
internal interface IEventStore : IAsyncDisposable
{
    /// <summary>Names the log. Positions of different logs do not compare.</summary>
    string LogId { get; }

    /// <summary>Opens the log and tells where it ends. Called once, before anything else.</summary>
    /// <exception cref="StoreException">The log cannot be opened; the message says why, in one line, for an operator.</exception>
    ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Every key with its last value and position; where a key comes twice, the later one counts.</summary>
    IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync(CancellationToken cancellationToken);

    /// <summary>Appends events with consecutive positions after the head, durably, all or none.</summary>
    /// <param name="events">They never change, but their list is used again afterwards.</param>
    /// <param name="cancellationToken">Ends the waiting for a turn.</param>
    ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken);

    /// <summary>Why nothing can be appended now, in one line, or null: tries it with a write that changes nothing.</summary>
    /// <exception cref="StoreException">The write failed.</exception>
    ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken);

    /// <summary>Finds out what an <see cref="AppendOutcome.Unknown"/> append did: opens the store anew and looks at its head.</summary>
    ValueTask<long> RecoverAsync(CancellationToken cancellationToken);

    /// <summary>The places of those ids that are stored.</summary>
    /// <param name="eventIds">Perhaps some more than once; the list is used again afterwards.</param>
    /// <param name="cancellationToken">Ends the waiting for a turn.</param>
    ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken);

    /// <summary>The events of a range, in order.</summary>
    ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken);

    /// <summary>The events of a range that are of these types.</summary>
    ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken);

    /// <summary>The events of a range that have this correlation id.</summary>
    ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken);

    /// <summary>The events at these positions, in the order asked for: all, or the first ones as far as the bytes go, but at least one.</summary>
    ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken);

    /// <summary>What the events after a position are, in order, without their data.</summary>
    ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken);

    /// <summary>What the events at these positions are, in the order asked for, without their data.</summary>
    ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken);

    /// <summary>Walks a key's chain back. However long it is, no more positions than asked for are held.</summary>
    /// <returns>The positions, ascending.</returns>
    ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken);

    /// <summary>The last position whose time is not after the given one, or 0.</summary>
    ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken);
}

/// <summary>The end of the log.</summary>
/// <param name="Position">The last position, or 0.</param>
/// <param name="TimeMicros">The time of the last event, or 0.</param>
internal readonly record struct LogEnd(long Position, long TimeMicros);

/// <summary>A stretch of the log, and how much of it to read at once.</summary>
/// <param name="After">Only events after this position.</param>
/// <param name="Until">Only events up to this position.</param>
/// <param name="MaxEvents">At most so many events.</param>
/// <param name="MaxBytes">At most so many bytes of data, but at least one event.</param>
/// <param name="Descending">From the end of the stretch to its beginning.</param>
internal readonly record struct LogRange(long After, long Until, int MaxEvents, int MaxBytes = int.MaxValue, bool Descending = false);

/// <summary>What was read of a range.</summary>
/// <param name="Events">The events, in the order of the range.</param>
/// <param name="IsAll">The range holds no more; else there may be more beyond the last event.</param>
internal readonly record struct LogSlice(IReadOnlyList<StoredEvent> Events, bool IsAll);

/// <summary>A walk along the chain of one key, from its end towards its beginning.</summary>
/// <param name="Last">The key's last position, where the walk begins.</param>
/// <param name="After">It ends after this position.</param>
/// <param name="Until">Only positions up to this one count.</param>
/// <param name="Max">So many of the oldest positions are kept.</param>
internal readonly record struct ChainWalk(long Last, long After, long Until = long.MaxValue, int Max = int.MaxValue)
{
    /// <summary>Keeps the newest positions instead, and ends with the last of them.</summary>
    public bool Newest { get; init; }
}

/// <summary>What an event is, without its data.</summary>
internal readonly record struct EventHeader(long Position, string Key, uint Value, string EventType);

/// <summary>What is known about an append.</summary>
internal enum AppendOutcome
{
    /// <summary>It is durable.</summary>
    Committed,

    /// <summary>Nothing of it is stored.</summary>
    NotCommitted,

    /// <summary>The commit itself failed: it may be stored or not.</summary>
    Unknown,
}
