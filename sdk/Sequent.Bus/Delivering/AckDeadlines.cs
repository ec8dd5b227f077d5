namespace Sequent.Bus.Delivering;

/// <summary>When heads of keys have to be acked. Only where the operator set a deadline.</summary>
/// <param name="limitMicros">The deadline in microseconds, or null: there is none.</param>
internal sealed class AckDeadlines(long? limitMicros)
{
    /// <summary>Settled heads stay in the queue until they are due; beyond so many, and four times as many as needed, it is swept.</summary>
    private const int SweepAt = 4_096;

    private PriorityQueue<(Unsettled Event, int Run), long> _due = new();
    private int _sweepAt = SweepAt;

    /// <summary>When the next one may be due (microseconds), or null.</summary>
    public long? Next => _due.TryPeek(out _, out var at) ? at : null;

    /// <summary>The event is the head of its key and in flight: its deadline begins, unless it runs already.</summary>
    public void Begin(Unsettled e, long now)
    {
        if (limitMicros is not { } limit || e.Deadline is not null)
            return;
        e.Deadline = Math.Max(e.ExtendedUntil, now + limit);
        _due.Enqueue((e, ++e.DeadlineRun), e.Deadline.Value);
        if (_due.Count >= _sweepAt)
            Sweep();
    }

    /// <summary>Somebody is still working on it. It holds also for the time when the event becomes the head.</summary>
    public static void Extend(Unsettled e, long until)
    {
        e.ExtendedUntil = Math.Max(e.ExtendedUntil, until);
        if (e.Deadline is { } deadline)
            e.Deadline = Math.Max(deadline, until);
    }

    /// <summary>The event is not in flight any more.</summary>
    public static void End(Unsettled e) => (e.Deadline, e.ExtendedUntil) = (null, 0);

    /// <summary>An event whose deadline has passed, or null.</summary>
    public Unsettled? TakeExpired(long now)
    {
        while (_due.TryPeek(out var due, out var at) && at <= now)
        {
            _due.Dequeue();
            if (!IsRunning(due.Event, due.Run))
                continue;
            if (due.Event.Deadline <= now)
                return due.Event;
            _due.Enqueue(due, due.Event.Deadline!.Value);
        }

        return null;
    }

    private static bool IsRunning(Unsettled e, int run) => e.Deadline is not null && e.DeadlineRun == run;

    private void Sweep()
    {
        _due = new(_due.UnorderedItems.Where(d => IsRunning(d.Element.Event, d.Element.Run)));
        _sweepAt = Math.Max(SweepAt, 4 * _due.Count);
    }
}
