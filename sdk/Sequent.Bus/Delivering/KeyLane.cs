using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// One key of one client type: what it owes, in log order, and to whom it is assigned. Events leave at the front only, so a key's events
/// are handed out strictly in order. The oldest ones are in memory; of the rest only their place in the log is known.
/// </summary>
internal sealed class KeyLane(string key)
{
    private Unsettled? _last;

    public string Key { get; } = key;

    /// <summary>The oldest unsettled event in memory, or null.</summary>
    public Unsettled? First { get; private set; }

    /// <summary>The first event that is neither in flight nor settled, or null.</summary>
    public Unsettled? NextInOrder { get; private set; }

    /// <summary>What is owed after the events in memory, or null: they are all.</summary>
    public MissingEvents? Missing { get; set; }

    /// <summary>Dead letters on their way again, one at a time, each only while nothing else of the key is in flight; or null.</summary>
    public Queue<Unsettled>? Redriven { get; set; }

    public int InFlight { get; set; }

    public Instance? Owner { get; set; }

    /// <summary>So many events of the key are on their way to the dead letters; nothing is sent until they are durable there.</summary>
    public int HeldForDeadLetter { get; set; }

    /// <summary>After a nack: the assignment ends once nothing is in flight.</summary>
    public bool LeavesOwnerWhenIdle { get; set; }

    /// <summary>The lane waits for room at this instance; entries in the queue of any other one are stale.</summary>
    public Instance? WaitsAt { get; set; }

    /// <summary>Its place among the lanes nobody could be found for, or null.</summary>
    public LinkedListNode<KeyLane>? Unassigned { get; set; }

    /// <summary>The lane is counted among the keys in debt.</summary>
    public bool IsInDebt { get; set; }

    /// <summary>Behind this position nothing of the key was ever settled or had trouble, so a record need not look further.</summary>
    public long LastMarked { get; private set; }

    /// <summary>The stored debts name this key.</summary>
    public bool IsSaved { get; set; }

    /// <summary>When the key last became idle (microseconds).</summary>
    public long IdleSince { get; set; }

    /// <summary>The lane stands in the list of idle keys, once, however often it became idle since.</summary>
    public bool IsInIdleList { get; set; }

    /// <summary>Something is not settled.</summary>
    public bool HasDebt => First is not null || Missing is not null || Redriven is not null;

    /// <summary>What is to be sent next, should anything be: a redriven event goes before the others, and alone.</summary>
    public Unsettled? Next => Redriven is null ? NextInOrder : Redriven.Peek() is { Delivery: 0 } redriven ? redriven : null;

    /// <summary>The event everything else of the key waits for, if it is in flight.</summary>
    public Unsettled? HeadInFlight =>
        Redriven?.Peek() is { Delivery: not 0 } redriven ? redriven : First is { Delivery: not 0 } first ? first : null;

    public Unsettled Append(EventHeader header)
    {
        var e = new Unsettled(this, header);
        if (_last is null)
            First = e;
        else
            _last.Next = e;
        _last = e;
        NextInOrder ??= e;
        return e;
    }

    /// <summary>The event is settled, or had trouble: a record of the key has to say so.</summary>
    public void Mark(Unsettled e) => LastMarked = e.IsRedriven ? LastMarked : Math.Max(LastMarked, e.Position);

    public void AddRedriven(Unsettled e) => (Redriven ??= new()).Enqueue(e);

    /// <summary>Moves on to the next event that can be sent.</summary>
    public void Sent(Unsettled e)
    {
        if (!e.IsRedriven)
            NextInOrder = FirstSendable(e.Next);
    }

    /// <summary>Looks for the first event to send from the beginning, because some came back.</summary>
    public void Rewind() => NextInOrder = FirstSendable(First);

    /// <summary>Drops settled events from the front. Returns how many of those in order.</summary>
    public int DropSettled()
    {
        while (Redriven?.Peek() is { IsAcked: true })
        {
            Redriven.Dequeue();
            Redriven = Redriven.Count == 0 ? null : Redriven;
        }

        var dropped = 0;
        for (; First is { IsAcked: true }; First = First.Next)
            dropped++;
        if (First is null)
            _last = NextInOrder = null;
        return dropped;
    }

    /// <summary>Those in memory, in order, without redriven ones.</summary>
    public IEnumerable<Unsettled> Events()
    {
        for (var e = First; e is not null; e = e.Next)
            yield return e;
    }

    /// <summary>The event at this position is owed in its order.</summary>
    public bool Owes(long position) =>
        Missing is { } missing && missing.After < position && position <= missing.Until
            ? !missing.IsAcked(position)
            : Events().Any(e => e.Position == position && !e.IsAcked);

    /// <summary>Everything that is out at the owner.</summary>
    public IEnumerable<Unsettled> EventsInFlight() =>
        (Redriven ?? Enumerable.Empty<Unsettled>()).Concat(Events()).Where(e => e.Delivery != 0);

    private static Unsettled? FirstSendable(Unsettled? e)
    {
        while (e is not null && (e.IsAcked || e.Delivery != 0))
            e = e.Next;
        return e;
    }
}

/// <summary>Events of a key that are owed and not in memory: those within a range of positions, which are found along the key's chain.</summary>
/// <param name="after">After this position.</param>
/// <param name="until">Up to this position.</param>
/// <param name="debt">As saved, if the range was restored: what was settled or had trouble in it.</param>
internal sealed class MissingEvents(long after, long until, KeyDebtRecord? debt)
{
    public long After { get; set; } = after;

    public long Until { get; set; } = until;

    /// <summary>Up to here they were owed before a restart; 0: not before one.</summary>
    public long RestoredUntil { get; } = debt is null ? 0 : until;

    /// <summary>Somebody is about to read them.</summary>
    public bool IsAskedFor { get; set; }

    public IEnumerable<PositionRange> AckedAhead =>
        (debt?.AckedAhead ?? []).Where(r => r.Last > After).Select(r => r with { First = Math.Max(r.First, After + 1) });

    public IEnumerable<Trouble> Troubles => (debt?.Troubles ?? []).Where(t => t.Position > After);

    public bool IsAcked(long position) => debt?.AckedAhead.Any(r => r.First <= position && position <= r.Last) == true;

    public Trouble TroubleOf(long position) => debt?.Troubles.FirstOrDefault(t => t.Position == position) ?? default;
}
