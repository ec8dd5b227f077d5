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

    /// <summary>Every key with its last value and position.</summary>
    IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync(CancellationToken cancellationToken);

    /// <summary>Appends events with consecutive positions after the head, durably, all or none.</summary>
    ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken);

    /// <summary>Finds out what an <see cref="AppendOutcome.Unknown"/> append did: opens the store anew and looks at its head.</summary>
    ValueTask<long> RecoverAsync(CancellationToken cancellationToken);

    /// <summary>The places of those ids that are stored.</summary>
    ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken);

    /// <summary>The events after a position up to another one, in order, at most <paramref name="max"/>.</summary>
    ValueTask<IReadOnlyList<StoredEvent>> ReadAsync(long after, long until, int max, CancellationToken cancellationToken);

    /// <summary>Like <see cref="ReadAsync(long, long, int, CancellationToken)"/>, only events of these types.</summary>
    ValueTask<IReadOnlyList<StoredEvent>> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, long after, long until, int max, CancellationToken cancellationToken);

    /// <summary>The events at these positions, in the order asked for. A position that does not exist is left out.</summary>
    ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken);

    /// <summary>The positions of a key's chain after <paramref name="after"/>, ascending, found by walking back from <paramref name="last"/>.</summary>
    ValueTask<IReadOnlyList<long>> ReadChainAsync(long last, long after, CancellationToken cancellationToken);

    /// <summary>The last position whose time is not after the given one, or 0.</summary>
    ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken);
}

/// <summary>The end of the log.</summary>
/// <param name="Position">The last position, or 0.</param>
/// <param name="TimeMicros">The time of the last event, or 0.</param>
internal readonly record struct LogEnd(long Position, long TimeMicros);

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
