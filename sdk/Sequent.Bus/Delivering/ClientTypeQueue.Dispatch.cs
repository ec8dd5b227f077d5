namespace Sequent.Bus.Delivering;

/// <summary>Choosing instances and sending.</summary>
internal sealed partial class ClientTypeQueue
{
    // Lanes with something to send for which no instance had room, and lanes whose next event no live instance takes.
    private readonly Dictionary<string, LinkedList<KeyLane>> _unassigned = new(StringComparer.Ordinal); // by the type of their next event
    private int _unassignedCount;
    private readonly LinkedList<KeyLane> _untaken = new();

    // Some of these are to go to the dead letters, once those on their way are there.
    private bool _hasMoreUntaken;

    /// <summary>Sends what the lane may send now. Whatever stops it is also what starts it again.</summary>
    private void Dispatch(KeyLane lane)
    {
        while (lane.Next is { } e && MaySend(lane, e))
        {
            var owner = lane.Owner!;
            var redelivered = e.WasSent || e.Position <= _perhapsHad;
            owner.Outbox.Deliver(owner.Send(e, redelivered));
            lane.InFlight++;
            lane.Sent(e);
            if (owner.IsV1 && !owner.HasAcked)
                _neverAcked++;
        }

        if (lane.NextInOrder is null && lane.Missing is { } missing)
            AskFor(lane, missing);
        if (lane.Owner is { IsV1: false } && lane.HeadInFlight is { } head)
            _deadlines.Begin(head, _now);
    }

    private bool MaySend(KeyLane lane, Unsettled e)
    {
        // A dead letter that becomes durable, or a tick, comes back here.
        if (_isStopping || lane.HeldForDeadLetter > 0 || e.NotBefore > _now)
            return false;
        if (e.IsRedriven && lane.InFlight > 0)
            return false;
        if (!HasOwnerFor(lane, e) || lane.InFlight >= lane.Owner!.WindowPerKey)
            return false;
        if (lane.Owner.HasRoom)
            return true;
        WaitForRoom(lane, lane.Owner);
        return false;
    }

    /// <summary>An owner that takes the event. An assignment changes hands only while nothing of the key is in flight.</summary>
    private bool HasOwnerFor(KeyLane lane, Unsettled e)
    {
        if (lane.Owner is { } owner)
        {
            if (!lane.LeavesOwnerWhenIdle && owner.Drained is null && owner.Takes.Takes(e.EventType))
                return true;
            if (lane.InFlight > 0)
                return false;
            Unassign(lane);
        }

        return Assign(lane, e);
    }

    private bool Assign(KeyLane lane, Unsettled e)
    {
        var isTaken = false;
        for (var turn = _turns.First; turn is not null; turn = turn.Next)
        {
            var instance = turn.Value;
            if (!instance.Takes.Takes(e.EventType))
                continue;
            isTaken = true;
            if (!instance.HasRoom)
                continue;
            _turns.Remove(turn);
            _turns.AddLast(turn);
            StopWaiting(lane);
            lane.Owner = instance;
            instance.Lanes.Add(lane);
            return true;
        }

        // Nobody live takes it, and nobody is expected back who did.
        if (isTaken || !HasInstances)
            Wait(lane, UnassignedOf(e.EventType));
        else if (_interest.Current.Takes(e.EventType))
            Wait(lane, _untaken);
        else
            HoldUntaken(e);
        return false;
    }

    /// <summary>The event, and those right after it that nobody takes either.</summary>
    private void HoldUntaken(Unsettled first)
    {
        if (_held.Count >= _limits.MaxUntakenAtOnce)
        {
            Wait(first.Lane, _untaken);
            _hasMoreUntaken = true;
            return;
        }

        StopWaiting(first.Lane);
        Hold(first, "no_taker");
        for (var e = first.Next; e is { IsAcked: false, IsHeld: false, Delivery: 0 } && !_interest.Current.Takes(e.EventType) && _held.Count < _limits.MaxUntakenAtOnce; e = e.Next)
            Hold(e, "no_taker");
    }

    private void HoldMoreUntaken()
    {
        var node = _untaken.First;
        while (node is not null && _held.Count < _limits.MaxUntakenAtOnce)
        {
            var next = node.Next;
            Dispatch(node.Value);
            node = next;
        }

        _hasMoreUntaken = node is not null;
    }

    private LinkedList<KeyLane> UnassignedOf(string eventType)
    {
        if (!_unassigned.TryGetValue(eventType, out var list))
            _unassigned.Add(eventType, list = new());
        return list;
    }

    private void Unassign(KeyLane lane)
    {
        lane.Owner?.Lanes.Remove(lane);
        lane.Owner = null;
        lane.LeavesOwnerWhenIdle = false;
        StopWaiting(lane);
    }

    private void Wait(KeyLane lane, LinkedList<KeyLane> list)
    {
        if (lane.Unassigned?.List == list)
            return;
        StopWaitingForAnyone(lane);
        lane.Unassigned = list.AddLast(lane);
        if (list != _untaken)
            _unassignedCount++;
    }

    private void StopWaitingForAnyone(KeyLane lane)
    {
        if (lane.Unassigned?.List is not { } list)
            return;
        list.Remove(lane.Unassigned);
        lane.Unassigned = null;
        if (list != _untaken)
            _unassignedCount--;
    }

    private static void WaitForRoom(KeyLane lane, Instance owner)
    {
        if (lane.WaitsAt == owner)
            return;
        lane.WaitsAt = owner;
        owner.Waiting.Enqueue(lane);
    }

    private void StopWaiting(KeyLane lane)
    {
        StopWaitingForAnyone(lane);
        lane.WaitsAt = null;
    }

    /// <summary>An instance that was full may have room again: first its own keys that wait, then those that belong to nobody.</summary>
    private void RefillIf(bool wasFull, Instance instance)
    {
        if (!wasFull)
            return;
        while (instance.HasRoom && instance.Waiting.TryDequeue(out var lane))
        {
            if (lane.WaitsAt != instance)
                continue;
            lane.WaitsAt = null;
            Dispatch(lane);
        }

        // Only those it takes: others may be many, and wait for somebody who is stuck.
        foreach (var list in _unassigned.Where(u => u.Value.Count > 0 && instance.Takes.Takes(u.Key)).Select(u => u.Value).ToArray())
        {
            for (var node = list.First; node is not null && instance.HasRoom;)
            {
                var next = node.Next;
                Dispatch(node.Value);
                node = next;
            }
        }
    }

    private void DispatchUnassigned()
    {
        foreach (var lane in (KeyLane[])[.. _unassigned.Values.SelectMany(list => list), .. _untaken])
            Dispatch(lane);
    }

    /// <summary>
    /// Some instance takes the event, and nobody who is live has room. If only those are full that take it, its key holds it (as it does if nobody
    /// takes it): instances that take other events must not wait for them.
    /// </summary>
    private bool MustWaitForRoom(string eventType)
    {
        var taken = false;
        foreach (var instance in _turns)
        {
            if (instance.HasRoom && !instance.Takes.Equals(TypeFilter.None))
                return false;
            taken |= instance.Takes.Takes(eventType);
        }

        return taken;
    }
}
