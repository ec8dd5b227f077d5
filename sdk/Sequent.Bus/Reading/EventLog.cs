using Sequent.Bus.Storage;

namespace Sequent.Bus.Reading;

/// <summary>
/// The log as everybody but the sequencer sees it: a head that only grows, events after a position, and a wake-up when there are more.
/// A wake-up carries nothing; readers always ask for what comes after their own position, so there is no hand-over to get wrong.
/// Whoever asks sees everything durable; who is told of new events (deliveries, follows) sees them after their receipts went out.
/// </summary>
internal sealed class EventLog(IEventStore store, RecentCommits recent)
{
    private long _head;
    private long _released;
    private Signal _grown = new();

    public string LogId => store.LogId;

    /// <summary>The last durable position, or 0.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>The last position whose receipts went out: what deliveries and follows may hand on.</summary>
    public long Released => Volatile.Read(ref _released);

    /// <summary>Called once with the end of the stored log.</summary>
    public void Start(long head)
    {
        Volatile.Write(ref _head, head);
        Volatile.Write(ref _released, head);
    }

    /// <summary>Makes durable events visible. Called by the sequencer only, before the receipts go out.</summary>
    public void Publish(IReadOnlyList<StoredEvent> events)
    {
        recent.Add(events);
        Volatile.Write(ref _head, events[^1].Position);
    }

    /// <summary>Lets everybody have what was published, and wakes who waits for it. Called by the sequencer after the receipts went out.</summary>
    public void Release()
    {
        Volatile.Write(ref _released, Head);
        Interlocked.Exchange(ref _grown, new Signal()).Set();
    }

    /// <summary>Completes when what is released may have moved beyond a position.</summary>
    public Task WaitBeyondAsync(long position, CancellationToken cancellationToken)
    {
        // Take the signal first: a head that moves between the two lines completes the signal that was taken.
        var signal = Volatile.Read(ref _grown);
        return Released > position ? Task.CompletedTask : signal.WaitAsync(cancellationToken);
    }

    /// <summary>The released events right after a position, as many as fit the limits, but at least one if there is one.</summary>
    public async ValueTask<IReadOnlyList<StoredEvent>> ReadAsync(long after, int max, int maxBytes, CancellationToken cancellationToken)
    {
        var end = Released;
        if (after >= end)
            return [];
        return recent.ReadAfter(after, end, max, maxBytes)
            ?? (await store.ReadAsync(new LogRange(after, end, max, maxBytes), cancellationToken)).Events;
    }

    /// <summary>What the events right after a position are, at most so many of those that are released.</summary>
    public async ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken)
    {
        var count = (int)Math.Min(max, Released - after);
        if (count <= 0)
            return [];
        return recent.ReadAfter(after, after + count, count, int.MaxValue) is { } events
            ? [.. events.Select(e => e.Header)]
            : await store.ReadHeadersAsync(after, count, cancellationToken);
    }

    /// <summary>The event at this position is in memory: nobody waits for it.</summary>
    public bool IsRecent(long position) => recent.Contains(position);

    /// <summary>The events at these positions, in the order asked for: all, or the first ones as far as the bytes go, but at least one.</summary>
    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken)
    {
        // What is recent is in memory anyhow, so it does not count; what is not is read together.
        var events = recent.FindAll(positions);
        return events.Count > 0 || positions.Count == 0 ? new(events) : store.ReadAtAsync(positions, maxBytes, cancellationToken);
    }
}
