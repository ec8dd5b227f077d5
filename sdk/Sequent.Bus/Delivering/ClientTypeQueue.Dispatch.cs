namespace Sequent.Bus.Delivering;

/// <summary>Choosing instances and sending.</summary>
internal sealed partial class ClientTypeQueue
{
    /// <summary>Sends what the lane may send now. Whatever stops it is also what starts it again.</summary>
    private void Dispatch(KeyLane lane)
    {
        while (lane.NextToSend is { } e)
        {
            // A dead letter that becomes durable, or a tick, comes back here.
            if (lane.HeldForDeadLetter > 0 || lane.NotBefore > _now)
                return;
            if (!HasOwnerFor(lane, e) || lane.InFlight >= lane.Owner!.WindowPerKey)
                return;
            if (!lane.Owner.HasRoom)
            {
                WaitForRoom(lane, lane.Owner);
                return;
            }

            var redelivered = e.WasSent || e.Position <= _headAtStart;
            lane.Owner.Outbox.Deliver(lane.Owner.Send(e, redelivered));
            lane.InFlight++;
            lane.Sent();
        }
    }

    /// <summary>An owner that takes the event. An assignment changes hands only while nothing of the key is in flight.</summary>
    private bool HasOwnerFor(KeyLane lane, Unsettled e)
    {
        if (lane.Owner is { } owner)
        {
            if (!lane.LeavesOwnerWhenIdle && owner.Takes.Takes(e.EventType))
                return true;
            if (lane.InFlight > 0)
                return false;
            Unassign(lane);
        }

        return Assign(lane, e.EventType);
    }

    private bool Assign(KeyLane lane, string eventType)
    {
        for (var turn = _turns.First; turn is not null; turn = turn.Next)
        {
            var instance = turn.Value;
            if (!instance.HasRoom || !instance.Takes.Takes(eventType))
                continue;
            _turns.Remove(turn);
            _turns.AddLast(turn);
            StopWaiting(lane);
            lane.Owner = instance;
            instance.Lanes.Add(lane);
            return true;
        }

        WaitForAnybody(lane);
        return false;
    }

    private void Unassign(KeyLane lane)
    {
        lane.Owner?.Lanes.Remove(lane);
        lane.Owner = null;
        lane.LeavesOwnerWhenIdle = false;
        StopWaiting(lane);
    }

    private void WaitForAnybody(KeyLane lane) => lane.Unassigned ??= _unassigned.AddLast(lane);

    private static void WaitForRoom(KeyLane lane, Instance owner)
    {
        if (lane.WaitsAt == owner)
            return;
        lane.WaitsAt = owner;
        owner.Waiting.Enqueue(lane);
    }

    private void StopWaiting(KeyLane lane)
    {
        if (lane.Unassigned is { } node)
            _unassigned.Remove(node);
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
            if (node.Value.NextToSend is { } e && instance.Takes.Takes(e.EventType))
                Dispatch(node.Value);
            node = next;
        }
    }

    private void DispatchUnassigned()
    {
        foreach (var lane in _unassigned.ToArray())
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
