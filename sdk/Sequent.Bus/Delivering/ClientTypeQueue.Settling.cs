using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What becomes of deliveries: acks, nacks, deadlines, losses, dead letters.</summary>
internal sealed partial class ClientTypeQueue
{
    private readonly Dictionary<long, Unsettled> _held = [];

    // What v1 sessions hold together that never acked anything.
    private int _neverAcked;

    /// <summary>How many deliveries were settled so far.</summary>
    public long Settled { get; private set; }

    /// <summary>How many events counted as acked because the sessions that held them never ack.</summary>
    public long CountedAsAcked { get; private set; }

    /// <summary>Settles deliveries of an instance. Revoked and settled ones are skipped. Returns false if one was never sent; then nothing changed.</summary>
    public bool Ack(Instance instance, IReadOnlyList<long> deliveries)
    {
        if (deliveries.Any(d => d > instance.LastDelivery))
            return false;
        SettleAll(instance, deliveries.Select(instance.Find));
        return true;
    }

    /// <summary>Settles every delivery up to a number. Returns false if that was never sent; then nothing changed.</summary>
    public bool AckUpTo(Instance instance, long delivery)
    {
        if (delivery > instance.LastDelivery)
            return false;
        SettleAll(instance, instance.FindUpTo(delivery));
        return true;
    }

    /// <summary>v1: settles the event of a key and value, if the instance holds it.</summary>
    public bool AckEvent(Instance instance, string key, uint value)
    {
        if (!instance.HasAcked)
        {
            instance.HasAcked = true;
            _neverAcked -= instance.IsV1 ? instance.InFlight : 0;
        }

        if (!_lanes.TryGetValue(key, out var lane) || instance.Find(lane, value) is not { } e)
            return false;
        Settle(e, instance);
        CountOldestAsAcked();
        return true;
    }

    /// <summary>The socket of a v1 session has taken everything up to a number: for client types that never ack, that settles it.</summary>
    public void Sent(Instance instance, long delivery)
    {
        var wasFull = !instance.HasRoom;
        instance.LastSent = Math.Max(instance.LastSent, delivery);
        if (_acksAreSent)
            AckUpTo(instance, delivery);
        RefillIf(wasFull, instance);
        CountOldestAsAcked();
    }

    /// <summary>
    /// A delivery failed: it and the later unacked ones of its key are revoked and come again in order after a back-off. At the limit, or if
    /// asked for, the event goes to the dead letters instead. Returns false if it was never sent.
    /// </summary>
    public bool Nack(Instance instance, long delivery, long? delayMicros, string? reason, bool deadLetter)
    {
        if (delivery > instance.LastDelivery)
            return false;
        if (instance.Find(delivery) is { } failed)
            Fail(failed, instance, delayMicros, reason, deadLetter);
        CountOldestAsAcked();
        return true;
    }

    /// <summary>Somebody still works on these. Revoked and settled ones are skipped. Returns false if one was never sent; then nothing changed.</summary>
    public bool Extend(Instance instance, IReadOnlyList<long> deliveries, long micros)
    {
        if (deliveries.Any(d => d > instance.LastDelivery))
            return false;
        foreach (var delivery in deliveries)
        {
            if (instance.Find(delivery) is { } e)
                AckDeadlines.Extend(e, _now + micros);
        }

        return true;
    }

    private void SettleAll(Instance instance, IEnumerable<Unsettled?> events)
    {
        var wasFull = !instance.HasRoom;
        foreach (var e in events)
        {
            if (e is not null)
                Settle(e, instance);
        }

        RefillIf(wasFull, instance);
        LeaveIfDrained(instance);
        CountOldestAsAcked();
    }

    private void Settle(Unsettled e, Instance instance)
    {
        Release(e, instance);
        e.IsAcked = true;
        e.Lane.Mark(e);
        Settled++;
        AfterSettling(e);
        Dispatch(e.Lane);
    }

    private void Fail(Unsettled failed, Instance instance, long? delayMicros, string? reason, bool deadLetter)
    {
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
        MarkTrouble(failed);
        lane.Rewind();
        lane.LeavesOwnerWhenIdle = true;
        if (deadLetter || failed.Failures >= _limits.MaxDeliveries)
            Hold(failed, reason ?? (deadLetter ? "dead_letter" : "max_deliveries"));
        else
            BackOff(failed, delayMicros ?? DeliveryLimits.BackOffMicros(failed.Failures));
        Dispatch(lane);
        RefillIf(wasFull, instance);
        LeaveIfDrained(instance);
    }

    /// <summary>The head of a key was not acked in time; its instance does not have to know why.</summary>
    private void Expire(Unsettled e) => Fail(e, e.Lane.Owner!, null, "ack_deadline", false);

    /// <summary>A session was lost over the head of a key: not the event's fault, unless it happens again and again.</summary>
    private void CountLoss(Unsettled head)
    {
        if (_now - head.LastLoss < _limits.LossIntervalMicros)
            return;
        head.LastLoss = _now;
        head.Losses++;
        MarkTrouble(head);
        if (head.Losses >= _limits.MaxLosses)
            Hold(head, "max_losses");
    }

    /// <summary>
    /// Sessions of old clients that never ack would hold everything for ever. Where they hold too much, the oldest counts as acked, which is
    /// what those clients mean; but only what their socket has taken.
    /// </summary>
    private void CountOldestAsAcked()
    {
        while (_neverAcked > _limits.MaxNeverAcked)
        {
            var (oldest, holder) = _turns.Where(i => i.IsV1 && !i.HasAcked).Select(i => (Event: i.Oldest(), Instance: i))
                .Where(o => o.Event is { } e && e.Delivery <= o.Instance.LastSent).DefaultIfEmpty().MinBy(o => o.Event?.Position);
            if (oldest is null)
                return;
            Settle(oldest, holder);
            CountedAsAcked++;
        }
    }

    private void AfterSettling(Unsettled e)
    {
        var lane = e.Lane;
        _inMemory -= lane.DropSettled();
        if (e.IsRedriven)
            MarkRedriven(e);
        else
            MarkChanged(lane);
        AfterDebt(lane);
    }

    /// <summary>The key may have no debt any more.</summary>
    private void AfterDebt(KeyLane lane)
    {
        if (lane.HasDebt)
            return;
        if (lane.IsInDebt)
            _keysInDebt--;
        lane.IsInDebt = false;
        lane.IdleSince = _now;
        if (lane.Owner is null || lane.LeavesOwnerWhenIdle || lane.Owner.Drained is not null)
            Drop(lane);
        else if (!lane.Owner.IsV1)
            NoteIdle(lane);
    }

    private void NoteIdle(KeyLane lane)
    {
        if (lane.IsInIdleList)
            return;
        lane.IsInIdleList = true;
        _idle.Enqueue(lane, lane.IdleSince);
        while (_idle.Count > _limits.MaxIdleKeys)
        {
            var longest = _idle.Dequeue();
            longest.IsInIdleList = false;
            if (!longest.HasDebt && IsCurrent(longest))
                Drop(longest);
        }
    }

    /// <summary>An idle key gives up its assignment, unless it was used since or replaced by a newer lane.</summary>
    private void ExpireIdle(KeyLane lane, long since)
    {
        lane.IsInIdleList = false;
        if (lane.HasDebt || !IsCurrent(lane))
            return;
        if (lane.IdleSince == since)
            Drop(lane);
        else
            NoteIdle(lane);
    }

    private void TakeBack(Unsettled e, Instance instance)
    {
        Release(e, instance);
        e.WasSent = true;
    }

    private void Release(Unsettled e, Instance instance)
    {
        if (instance.IsV1 && !instance.HasAcked)
            _neverAcked--;
        instance.Release(e);
        AckDeadlines.End(e);
        e.Lane.InFlight--;
    }

    /// <summary>The event goes to the dead letters with the next save; until that is durable, its key waits.</summary>
    private void Hold(Unsettled e, string reason)
    {
        e.IsHeld = true;
        e.Lane.Mark(e);
        e.Lane.HeldForDeadLetter++;
        _held.Add(e.Position, e);
        _letters.Add(new DeadLetter(Name, e.Position, reason, e.Failures, _wallClock));
        MarkTrouble(e);
    }

    /// <summary>A dead letter is durable: its key goes on.</summary>
    private void Buried(DeadLetter letter)
    {
        if (!_held.Remove(letter.Position, out var e))
            return;
        e.Lane.HeldForDeadLetter--;
        (e.IsHeld, e.IsAcked) = (false, true);
        e.Lane.Rewind();
        AfterSettling(e);
        Dispatch(e.Lane);
        if (e.IsWantedAgain)
            Redrive(new EventHeader(e.Position, e.Lane.Key, e.Value, e.EventType));
    }

    /// <summary>Later events of the key wait with it, because they go in order; an earlier one that fails as well has a back-off of its own.</summary>
    private void BackOff(Unsettled failed, long delayMicros)
    {
        failed.NotBefore = _now + delayMicros;
        _backingOff.Enqueue(failed.Lane, failed.NotBefore);
    }

    private void Drop(KeyLane lane)
    {
        Unassign(lane);
        _lanes.Remove(lane.Key);
    }
}
