namespace Sequent.Bus.Delivering;

/// <summary>An event a client type owes: judged, and not settled yet.</summary>
internal sealed class Unsettled(KeyLane lane, EventHeader header)
{
    public KeyLane Lane { get; } = lane;

    public long Position { get; } = header.Position;

    public uint Value { get; } = header.Value;

    public string EventType { get; } = header.EventType;

    /// <summary>Nacks and expired deadlines so far.</summary>
    public int Failures { get; set; }

    /// <summary>The number under which it is in flight, or 0.</summary>
    public long Delivery { get; set; }

    /// <summary>Acked while an earlier event of the key is not.</summary>
    public bool IsAcked { get; set; }

    /// <summary>Somebody may have had it before.</summary>
    public bool WasSent { get; set; }

    public Unsettled? Next { get; set; }
}

/// <summary>
/// One key of one client type: what it owes, in log order, and to whom it is assigned. Events leave at the front only, so a key's events
/// are handed out strictly in order.
/// </summary>
internal sealed class KeyLane(string key)
{
    private Unsettled? _last;

    public string Key { get; } = key;

    /// <summary>The oldest unsettled event, or null: the key has no debt.</summary>
    public Unsettled? First { get; private set; }

    /// <summary>The first event that is neither in flight nor acked, or null.</summary>
    public Unsettled? NextToSend { get; private set; }

    public int InFlight { get; set; }

    public Instance? Owner { get; set; }

    /// <summary>After a nack: nothing is sent before this moment (microseconds).</summary>
    public long NotBefore { get; set; }

    /// <summary>So many events of the key are on their way to the dead letters; nothing is sent until they are durable there.</summary>
    public int HeldForDeadLetter { get; set; }

    /// <summary>After a nack: the assignment ends once nothing is in flight.</summary>
    public bool LeavesOwnerWhenIdle { get; set; }

    /// <summary>The lane waits for room at this instance; entries in the queue of any other one are stale.</summary>
    public Instance? WaitsAt { get; set; }

    /// <summary>Its place among the lanes nobody could be found for, or null.</summary>
    public LinkedListNode<KeyLane>? Unassigned { get; set; }

    /// <summary>The stored debts name this key.</summary>
    public bool IsSaved { get; set; }

    /// <summary>When the key last became idle (microseconds).</summary>
    public long IdleSince { get; set; }

    /// <summary>The lane stands in the list of idle keys, once, however often it became idle since.</summary>
    public bool IsInIdleList { get; set; }

    public Unsettled Append(EventHeader header)
    {
        var e = new Unsettled(this, header);
        if (_last is null)
            First = e;
        else
            _last.Next = e;
        _last = e;
        NextToSend ??= e;
        return e;
    }

    /// <summary>Moves on to the next event that can be sent.</summary>
    public void Sent() => NextToSend = FirstSendable(NextToSend!.Next);

    /// <summary>Looks for the first event to send from the beginning, because some came back.</summary>
    public void Rewind() => NextToSend = FirstSendable(First);

    /// <summary>Drops settled events from the front. Returns how many.</summary>
    public int DropSettled()
    {
        var dropped = 0;
        for (; First is { IsAcked: true }; First = First.Next)
            dropped++;
        if (First is null)
            _last = NextToSend = null;
        return dropped;
    }

    public IEnumerable<Unsettled> Events()
    {
        for (var e = First; e is not null; e = e.Next)
            yield return e;
    }

    private static Unsettled? FirstSendable(Unsettled? e)
    {
        while (e is not null && (e.IsAcked || e.Delivery != 0))
            e = e.Next;
        return e;
    }
}
