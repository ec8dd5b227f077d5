namespace Sequent.Bus.Delivering;

/// <summary>Choosing instances and sending.</summary>
internal sealed partial class ClientTypeQueue
{
    // Lanes with something to send for which no instance had room, and lanes whose next event no live instance takes.
    private readonly LinkedList<KeyLane> _unassigned = new();
    private readonly LinkedList<KeyLane> _untaken = new();

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
        if (!isTaken && HasInstances && !_interest.Current.Takes(e.EventType))
            Hold(e, "no_taker");
        else
            Wait(lane, isTaken || !HasInstances ? _unassigned : _untaken);
        return false;
    }

    private static void Unassign(KeyLane lane)
    {
        lane.Owner?.Lanes.Remove(lane);
        lane.Owner = null;
        lane.LeavesOwnerWhenIdle = false;
        StopWaiting(lane);
    }

    private static void Wait(KeyLane lane, LinkedList<KeyLane> list)
    {
        if (lane.Unassigned?.List == list)
            return;
        lane.Unassigned?.List!.Remove(lane.Unassigned);
        lane.Unassigned = list.AddLast(lane);
    }

    private static void WaitForRoom(KeyLane lane, Instance owner)
    {
        if (lane.WaitsAt == owner)
            return;
        lane.WaitsAt = owner;
        owner.Waiting.Enqueue(lane);
    }

    private static void StopWaiting(KeyLane lane)
    {
        lane.Unassigned?.List!.Remove(lane.Unassigned);
        (lane.Unassigned, lane.WaitsAt) = (null, null);
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

        for (var node = _unassigned.First; node is not null && instance.HasRoom;)
        {
            var next = node.Next;
            if (node.Value.Next is { } e && instance.Takes.Takes(e.EventType))
                Dispatch(node.Value);
            node = next;
        }
    }

    private void DispatchUnassigned()
    {
        foreach (var lane in (KeyLane[])[.. _unassigned, .. _untaken])
            Dispatch(lane);
    }

    /// <summary>Some instance takes the event, but none of those has room. (If nobody takes it, its key holds it.)</summary>
    private bool IsEverybodyFull(string eventType)
    {
        var taken = false;
        foreach (var instance in _turns)
        {
            if (!instance.Takes.Takes(eventType))
                continue;
            if (instance.HasRoom)
                return false;
            taken = true;
        }

        return taken;
    }
}
