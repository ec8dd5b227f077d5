using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// Who gets which event of one client type: a pure state machine without I/O, locks or a clock. Inputs are the next event of the log
/// (<see cref="Offer"/>), instances that join and leave, acks, nacks and ticks; outputs go to the instances' outboxes, to
/// <see cref="DeadLetters"/> and to <see cref="TakeChanges"/>.
/// <para>The rules: everything up to <see cref="Cursor"/> was judged. An owed event joins its key's lane; a lane belongs to one instance at
/// a time (sticky round robin) and is sent strictly in order. The cursor stands while no instance is live, and while every instance that
/// takes the next event is full, so a client type that never comes back costs one number.</para>
/// </summary>
internal sealed partial class ClientTypeQueue
{
    private readonly DeliveryLimits _limits;
    private readonly long _headAtStart;
    private readonly InterestHistory _interest;
    private readonly Dictionary<string, KeyLane> _lanes = new(StringComparer.Ordinal);

    // Instances in the order of their turn; the first one that fits gets the next new key and moves to the end.
    private readonly LinkedList<Instance> _turns = new();

    // Lanes with something to send that nobody could be found for.
    private readonly LinkedList<KeyLane> _unassigned = new();
    private readonly Dictionary<long, Unsettled> _held = [];
    private readonly PriorityQueue<KeyLane, long> _backingOff = new();
    private readonly Queue<(KeyLane Lane, long Since)> _idle = new(); // one entry per lane at most
    private int _unsettled;
    private long _now;

    /// <param name="saved">The state to start from.</param>
    /// <param name="limits">The operator's limits.</param>
    /// <param name="headAtStart">The head of the log when the bus started; nobody knows who had events up to there.</param>
    public ClientTypeQueue(ClientTypeRecord saved, DeliveryLimits limits, long headAtStart)
    {
        Name = saved.Name;
        Cursor = saved.Cursor;
        _limits = limits;
        _headAtStart = headAtStart;
        _interest = new InterestHistory(saved.Interest);
    }

    public string Name { get; }

    /// <summary>Every event up to here was judged.</summary>
    public long Cursor { get; private set; }

    /// <summary>How many events are owed and not settled.</summary>
    public int Unsettled => _unsettled;

    public bool HasInstances => _turns.Count > 0;

    /// <summary>Events to put among the dead letters, durably; then <see cref="DeadLettered"/>.</summary>
    public Queue<DeadLetter> DeadLetters { get; } = new();

    /// <summary>When <see cref="Tick"/> is wanted next (microseconds), or null.</summary>
    public long? NextTick =>
        _backingOff.TryPeek(out _, out var at) ? _idle.TryPeek(out var idle) ? Math.Min(at, idle.Since + _limits.StickyIdleMicros) : at
        : _idle.TryPeek(out var first) ? first.Since + _limits.StickyIdleMicros : null;

    /// <summary>A new instance takes its place at the end of the turns.</summary>
    public void Join(Instance instance)
    {
        _turns.AddLast(instance);
        UpdateInterest();
        DispatchUnassigned();
    }

    /// <summary>
    /// An instance registered again: perhaps other event types or windows, a place at the end of the turns, its keys undisturbed. Old clients
    /// do so before every event, so nothing is looked at if nothing is different.
    /// </summary>
    public void Rejoin(Instance instance, TypeFilter takes, int window, int windowPerKey)
    {
        _turns.Remove(instance);
        _turns.AddLast(instance);
        if (instance.Takes.Equals(takes) && instance.Window == window && instance.WindowPerKey == windowPerKey)
            return;
        (instance.Takes, instance.Window, instance.WindowPerKey) = (takes, window, windowPerKey);
        UpdateInterest();
        foreach (var lane in instance.Lanes.ToArray())
            Dispatch(lane);
        DispatchUnassigned();
    }

    /// <summary>An instance is gone, or takes part elsewhere: its keys move at once, unacked events first, in log order.</summary>
    public void Leave(Instance instance)
    {
        _turns.Remove(instance);
        if (HasInstances)
            UpdateInterest();
        var lanes = instance.Lanes.OrderBy(l => l.First?.Position ?? 0).ToArray();
        var revoked = new List<long>();
        foreach (var lane in lanes)
        {
            foreach (var e in lane.Events().Where(e => e.Delivery != 0))
            {
                revoked.Add(e.Delivery);
                TakeBack(e, instance);
            }

            lane.Rewind();
            Unassign(lane);
            if (lane.First is null)
                _lanes.Remove(lane.Key);
        }

        // A session that is gone does not mind.
        if (revoked.Count > 0)
            instance.Outbox.Revoke(revoked);
        foreach (var lane in lanes)
            Dispatch(lane);
    }

    /// <summary>Judges the event after the cursor. Returns false if it has to wait; then nothing changed.</summary>
    public bool Offer(EventHeader e)
    {
        if (!HasInstances || _unsettled >= _limits.MaxUnsettled)
            return false;
        if (_interest.Current.Takes(e.EventType))
        {
            if (IsEverybodyFull(e.EventType))
                return false;
            var lane = LaneOf(e.Key);
            lane.Append(e);
            _unsettled++;
            MarkChanged(lane);
            Dispatch(lane);
        }

        Cursor = e.Position;
        _cursorChanged = true;
        return true;
    }

    /// <summary>Settles deliveries of an instance. Revoked and settled ones are skipped. Returns false if one was never sent; then nothing changed.</summary>
    public bool Ack(Instance instance, IReadOnlyList<long> deliveries)
    {
        if (deliveries.Any(d => d > instance.LastDelivery))
            return false;
        var wasFull = !instance.HasRoom;
        foreach (var delivery in deliveries)
        {
            if (instance.Find(delivery) is { } e)
                Settle(e, instance);
        }

        RefillIf(wasFull, instance);
        return true;
    }

    /// <summary>Settles every delivery up to a number. Returns false if that was never sent; then nothing changed.</summary>
    public bool AckUpTo(Instance instance, long delivery)
    {
        if (delivery > instance.LastDelivery)
            return false;
        var wasFull = !instance.HasRoom;
        foreach (var e in instance.FindUpTo(delivery))
            Settle(e, instance);
        RefillIf(wasFull, instance);
        return true;
    }

    /// <summary>v1: settles the event of a key and value, if the instance holds it.</summary>
    public bool AckEvent(Instance instance, string key, uint value)
    {
        if (!_lanes.TryGetValue(key, out var lane) || lane.Owner != instance)
            return false;
        if (lane.Events().FirstOrDefault(e => e.Value == value && e.Delivery != 0) is not { } found)
            return false;
        Settle(found, instance);
        return true;
    }

    /// <summary>
    /// A delivery failed: it and the later unacked ones of its key are revoked and come again in order after a back-off. At the limit, or if
    /// asked for, the event goes to the dead letters instead. Returns false if it was never sent.
    /// </summary>
    public bool Nack(Instance instance, long delivery, long? delayMicros, string? reason, bool deadLetter)
    {
        if (delivery > instance.LastDelivery)
            return false;
        if (instance.Find(delivery) is not { } failed)
            return true;

        var lane = failed.Lane;
        var wasFull = !instance.HasRoom;
        var revoked = new List<long>();
        for (var e = failed; e is not null; e = e.Next)
        {
            if (e.Delivery == 0)
                continue;
            revoked.Add(e.Delivery);
            TakeBack(e, instance);
        }

        instance.Outbox.Revoke(revoked);
        failed.Failures++;
        MarkChanged(lane);
        lane.Rewind();
        lane.LeavesOwnerWhenIdle = true;
        if (deadLetter || failed.Failures >= _limits.MaxDeliveries)
            Hold(failed, deadLetter ? reason ?? "dead_letter" : reason ?? "max_deliveries");
        else
            BackOff(lane, delayMicros ?? DeliveryLimits.BackOffMicros(failed.Failures));
        Dispatch(lane);
        RefillIf(wasFull, instance);
        return true;
    }

    /// <summary>A dead letter is durable: its key goes on.</summary>
    public void DeadLettered(DeadLetter letter)
    {
        if (!_held.Remove(letter.Position, out var e))
            return;
        e.Lane.HeldForDeadLetter--;
        e.IsAcked = true;
        e.Lane.Rewind();
        AfterSettling(e.Lane);
        Dispatch(e.Lane);
    }

    /// <summary>Tells the time. Back-offs that are over are sent, keys idle for long give up their assignment.</summary>
    public void Tick(long nowMicros)
    {
        _now = Math.Max(_now, nowMicros);
        while (_backingOff.TryPeek(out var lane, out var at) && at <= _now)
        {
            _backingOff.Dequeue();
            Dispatch(lane);
        }

        while (_idle.TryPeek(out var idle) && idle.Since + _limits.StickyIdleMicros <= _now)
        {
            _idle.Dequeue();
            ExpireIdle(idle.Lane, idle.Since);
        }
    }

    private void Settle(Unsettled e, Instance instance)
    {
        instance.Release(e);
        e.IsAcked = true;
        e.Lane.InFlight--;
        AfterSettling(e.Lane);
        Dispatch(e.Lane);
    }

    private void AfterSettling(KeyLane lane)
    {
        _unsettled -= lane.DropSettled();
        MarkChanged(lane);
        if (lane.First is not null)
            return;
        lane.IdleSince = _now;
        if (lane.Owner is null || lane.LeavesOwnerWhenIdle)
            Drop(lane);
        else if (!lane.Owner.KeepsIdleKeys)
            NoteIdle(lane);
    }

    private void NoteIdle(KeyLane lane)
    {
        if (lane.IsInIdleList)
            return;
        lane.IsInIdleList = true;
        _idle.Enqueue((lane, lane.IdleSince));
    }

    /// <summary>An idle key gives up its assignment, unless it was used since or replaced by a newer lane.</summary>
    private void ExpireIdle(KeyLane lane, long since)
    {
        lane.IsInIdleList = false;
        if (lane.First is not null || _lanes.GetValueOrDefault(lane.Key) != lane)
            return;
        if (lane.IdleSince == since)
            Drop(lane);
        else
            NoteIdle(lane);
    }

    private static void TakeBack(Unsettled e, Instance instance)
    {
        instance.Release(e);
        e.WasSent = true;
        e.Lane.InFlight--;
    }

    private void Hold(Unsettled e, string reason)
    {
        e.Lane.HeldForDeadLetter++;
        _held.Add(e.Position, e);
        DeadLetters.Enqueue(new DeadLetter(Name, e.Position, reason, e.Failures, _now));
    }

    private void BackOff(KeyLane lane, long delayMicros)
    {
        lane.NotBefore = _now + delayMicros;
        _backingOff.Enqueue(lane, lane.NotBefore);
    }

    private KeyLane LaneOf(string key)
    {
        if (!_lanes.TryGetValue(key, out var lane))
            _lanes.Add(key, lane = new KeyLane(key));
        return lane;
    }

    private void Drop(KeyLane lane)
    {
        Unassign(lane);
        _lanes.Remove(lane.Key);
    }

    private void UpdateInterest() =>
        _interestChanged |= _interest.Change(Cursor + 1, TypeFilter.Union(_turns.Select(i => i.Takes)));
}
