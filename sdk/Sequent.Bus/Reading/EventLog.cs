using Sequent.Bus.Storage;

namespace Sequent.Bus.Reading;

/// <summary>
/// The log as everybody but the sequencer sees it: a head that only grows, events after a position, and a wake-up when there are more.
/// A wake-up carries nothing; readers always ask for what comes after their own position, so there is no hand-over to get wrong.
/// </summary>
internal sealed class EventLog(IEventStore store, RecentCommits recent)
{
    private long _head;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string LogId => store.LogId;

    /// <summary>The last durable position, or 0.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>Called once with the end of the stored log.</summary>
    public void Start(long head) => Volatile.Write(ref _head, head);

    /// <summary>Makes durable events visible. Called by the sequencer only, before the receipts go out.</summary>
    public void Publish(IReadOnlyList<StoredEvent> events)
    {
        recent.Add(events);
        Volatile.Write(ref _head, events[^1].Position);
    }

    /// <summary>Wakes everybody who waits for more. Called by the sequencer after the receipts went out.</summary>
    public void WakeReaders() =>
        Interlocked.Exchange(ref _grown, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    /// <summary>Completes when the head may have moved beyond a position.</summary>
    public Task WaitBeyondAsync(long position, CancellationToken cancellationToken)
    {
        // Take the signal first: a head that moves between the two lines completes the signal that was taken.
        var signal = Volatile.Read(ref _grown).Task;
        return Head > position ? Task.CompletedTask : signal.WaitAsync(cancellationToken);
    }

    /// <summary>The events right after a position up to the head, at most <paramref name="max"/>.</summary>
    public ValueTask<IReadOnlyList<StoredEvent>> ReadAsync(long after, int max, CancellationToken cancellationToken)
    {
        var head = Head;
        if (after >= head)
            return new([]);
        return recent.ReadAfter(after, head, max) is { } events ? new(events) : store.ReadAsync(after, head, max, cancellationToken);
    }

    /// <summary>The events at these positions, in the order asked for.</summary>
    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken)
    {
        var events = new StoredEvent[positions.Count];
        for (var i = 0; i < events.Length; i++)
        {
            if (recent.Find(positions[i]) is not { } e)
                return store.ReadAtAsync(positions, cancellationToken);
            events[i] = e;
        }

        return new(events);
    }
}
