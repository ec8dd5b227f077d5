using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// Who gets which event of one client type: a pure state machine without I/O, locks or a clock. Inputs are the next event of the log
/// (<see cref="Offer"/>), instances that join and leave, acks, nacks, ticks and what an operator asks for; outputs go to the instances'
/// outboxes, to <see cref="TakeChanges"/> and to <see cref="TakeReads"/>.
/// <para>The rules: everything up to <see cref="Cursor"/> was judged. An owed event joins its key's lane; a lane belongs to one instance at
/// a time (sticky round robin) and is sent strictly in order. The cursor stands while no instance is live, and while every instance that
/// takes the next event is full, so a client type that never comes back costs one number.</para>
/// </summary>
internal sealed partial class ClientTypeQueue
{
    private readonly DeliveryLimits _limits;
    private readonly bool _acksAreSent;
    private readonly InterestHistory _interest;
    private readonly InterestGrace _grace;
    private readonly AckDeadlines _deadlines;
    private readonly Dictionary<string, KeyLane> _lanes = new(StringComparer.Ordinal);

    // Instances in the order of their turn; the first one that fits gets the next new key and moves to the end.
    private readonly LinkedList<Instance> _turns = new();
    private readonly PriorityQueue<KeyLane, long> _backingOff = new();
    private readonly PriorityQueue<KeyLane, long> _idle = new(); // by the time since when; one entry per lane at most
    private readonly HashSet<Instance> _draining = [];

    // Somebody may have had events up to here: before the bus started, or before an operator reset the cursor.
    private long _perhapsHad;
    private int _inMemory;
    private int _keysInDebt;
    private bool _isStopping;
    private long _now;
    private long _wallClock;

    /// <param name="saved">The state to start from.</param>
    /// <param name="limits">The operator's limits.</param>
    /// <param name="headAtStart">The head of the log when the bus started; nobody knows who had events up to there.</param>
    /// <param name="redriven">What the redriven events of <paramref name="saved"/> are.</param>
    public ClientTypeQueue(ClientTypeRecord saved, DeliveryLimits limits, long headAtStart, IReadOnlyList<EventHeader>? redriven = null)
    {
        Name = saved.Name;
        Cursor = saved.Cursor;
        _limits = limits;
        _acksAreSent = limits.AcksSent.Contains(saved.Name);
        _perhapsHad = headAtStart;
        _interest = new InterestHistory(saved.Interest);
        _grace = new InterestGrace(limits.InterestGraceMicros);
        _grace.Add(_interest.Current);
        _deadlines = new AckDeadlines(limits.AckDeadlineMicros);
        foreach (var debt in saved.Debts.OrderBy(d => d.FirstUnacked))
            Restore(debt);
        foreach (var trouble in saved.Redriven)
            RestoreRedriven(trouble, redriven!.First(h => h.Position == trouble.Position));
    }

    public string Name { get; }

    /// <summary>Every event up to here was judged.</summary>
    public long Cursor { get; private set; }

    /// <summary>How many owed events are held in memory.</summary>
    public int InMemory => _inMemory;

    /// <summary>How many keys have something unsettled.</summary>
    public int KeysInDebt => _keysInDebt;

    /// <summary>The cursor waits because too many keys are in debt.</summary>
    public bool WaitsForKeys { get; private set; }

    public bool HasInstances => _turns.Count > 0;

    /// <summary>No instance takes part, not even one that is draining.</summary>
    public bool IsDeserted => _turns.Count == 0 && _draining.Count == 0;

    /// <summary>Nothing is in flight at instances that could still ack it.</summary>
    public bool IsQuiet => _turns.Concat(_draining).All(i => i.IsV1 || i.InFlight == 0);

    /// <summary>When <see cref="Tick"/> is wanted next (microseconds), or null.</summary>
    public long? NextTick
    {
        get
        {
            long? next = _backingOff.TryPeek(out _, out var at) ? at : null;
            if (_idle.TryPeek(out _, out var since))
                next = Sooner(next, since + _limits.StickyIdleMicros);
            if (HasInstances && _grace.EndsIn is { } ends)
                next = Sooner(next, _now + ends);
            return _deadlines.Next is { } deadline ? Sooner(next, deadline) : next;
        }
    }

    /// <summary>A new instance takes its place at the end of the turns.</summary>
    public void Join(Instance instance)
    {
        instance.MaxUnsent = _limits.MaxUnsent;
        _turns.AddLast(instance);
        UpdateInterest();
        DispatchUnassigned();
        CountOldestAsAcked();
    }

    /// <summary>
    /// An instance registered again: perhaps other event types or windows, a place at the end of the turns, its keys undisturbed. Old clients
    /// do so before every event, so nothing is looked at if nothing is different.
    /// </summary>
    public void Rejoin(Instance instance, TypeFilter takes, int window, int windowPerKey)
    {
        var isBack = !_turns.Remove(instance);
        _turns.AddLast(instance);
        if (!isBack && instance.Takes.Equals(takes) && instance.Window == window && instance.WindowPerKey == windowPerKey)
            return;
        _grace.Drop(instance.Takes, takes);
        (instance.Takes, instance.Window, instance.WindowPerKey, instance.Drained) = (takes, window, windowPerKey, null);
        _draining.Remove(instance);
        UpdateInterest();
        foreach (var lane in instance.Lanes.ToArray())
            Dispatch(lane);
        DispatchUnassigned();
        CountOldestAsAcked();
    }

    /// <summary>An instance is gone, or takes part elsewhere: its keys move at once, unacked events first, in log order.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="isLost">Its connection broke, so what it was working on may be the cause.</param>
    public void Leave(Instance instance, bool isLost = false)
    {
        Depart(instance);
        _draining.Remove(instance);
        var lanes = instance.Lanes.OrderBy(l => l.First?.Position ?? 0).ToArray();
        var revoked = new List<long>();
        foreach (var lane in lanes)
        {
            if (isLost && !instance.IsV1 && lane.HeadInFlight is { } head)
                CountLoss(head);
            foreach (var e in lane.EventsInFlight().ToArray())
            {
                revoked.Add(e.Delivery);
                TakeBack(e, instance);
            }

            lane.Rewind();
            Unassign(lane);
            if (!lane.HasDebt)
                _lanes.Remove(lane.Key);
        }

        // A session that is gone does not mind.
        if (revoked.Count > 0)
            instance.Outbox.Revoke(revoked);
        foreach (var lane in lanes)
            Dispatch(lane);
        CountOldestAsAcked();
    }

    /// <summary>All of them leave.</summary>
    public void DropInstances()
    {
        foreach (var instance in (Instance[])[.. _turns, .. _draining])
            Leave(instance);
    }

    /// <summary>The instance gets nothing new; its keys move as they become idle, and once nothing is in flight it has left.</summary>
    public void Drain(Instance instance, Action drained)
    {
        Depart(instance);
        instance.Drained = drained;
        _draining.Add(instance);
        foreach (var lane in instance.Lanes.Where(l => l.InFlight == 0).ToArray())
        {
            Unassign(lane);
            if (lane.HasDebt)
                Dispatch(lane);
            else
                _lanes.Remove(lane.Key);
        }

        LeaveIfDrained(instance);
        CountOldestAsAcked();
    }

    /// <summary>The bus is about to stop: nothing is handed out any more; acks and nacks still count.</summary>
    public void StopHandingOut() => _isStopping = true;

    /// <summary>Judges the event after the cursor. Returns false if it has to wait; then nothing changed.</summary>
    public bool Offer(EventHeader e)
    {
        WaitsForKeys = false;
        if (!HasInstances || _isStopping)
            return false;
        if (_interest.Current.Takes(e.EventType))
        {
            if (MustWaitForRoom(e.EventType))
                return false;
            var known = _lanes.GetValueOrDefault(e.Key);
            WaitsForKeys = _keysInDebt >= _limits.MaxKeysInDebt && known?.IsInDebt != true;
            if (WaitsForKeys)
                return false;
            Owe(known ?? AddLane(e.Key), e);
        }

        Cursor = e.Position;
        _cursorChanged = true;
        CountOldestAsAcked();
        return true;
    }

    /// <summary>Tells the time. What is due happens: back-offs end, deadlines expire, idle keys are given up, interest ends.</summary>
    /// <param name="nowMicros">Microseconds of a clock that never jumps.</param>
    /// <param name="wallClockMicros">Microseconds since the Unix epoch, for people; it may jump.</param>
    public void Tick(long nowMicros, long wallClockMicros)
    {
        _wallClock = wallClockMicros;
        var passed = Math.Max(0, nowMicros - _now);
        if (HasInstances && _now > 0 && _grace.Pass(passed))
            EndInterest();
        _now += passed;
        while (_backingOff.TryPeek(out var lane, out var at) && at <= _now)
        {
            _backingOff.Dequeue();
            Dispatch(lane);
        }

        while (_deadlines.TakeExpired(_now) is { } expired)
            Expire(expired);
        while (_idle.TryPeek(out var idle, out var since) && since + _limits.StickyIdleMicros <= _now)
        {
            _idle.Dequeue();
            ExpireIdle(idle, since);
        }

        CountOldestAsAcked();
    }

    private void Owe(KeyLane lane, EventHeader e)
    {
        // One more event at the end of a debt that is stored already: the record of the key stays what it is.
        if (!lane.IsInDebt || !lane.IsSaved || lane.HeldForDeadLetter > 0)
            MarkChanged(lane);
        NoteDebt(lane);
        if (lane.Missing is { } missing)
        {
            missing.Until = e.Position;
        }
        else if (_inMemory >= _limits.MaxInMemory && lane.First is not null)
        {
            lane.Missing = new MissingEvents(e.Position - 1, e.Position, null);
        }
        else
        {
            lane.Append(e);
            _inMemory++;
        }

        Dispatch(lane);
    }

    /// <summary>The instance takes no turns any more. What it took is taken for a while yet.</summary>
    private void Depart(Instance instance)
    {
        if (!_turns.Remove(instance))
            return;
        _grace.Add(instance.Takes);
        WaitsForKeys &= HasInstances;
        if (HasInstances)
            UpdateInterest();
    }

    private void LeaveIfDrained(Instance instance)
    {
        if (instance.Drained is not { } drained || instance.InFlight > 0)
            return;
        instance.Drained = null;
        Leave(instance);
        drained();
    }

    private void EndInterest()
    {
        UpdateInterest();
        DispatchUnassigned();
    }

    private void UpdateInterest() =>
        _interestChanged |= _interest.Change(Cursor + 1, TypeFilter.Union([.. _turns.Select(i => i.Takes), .. _grace.Filters]));

    private KeyLane AddLane(string key)
    {
        var lane = new KeyLane(key);
        _lanes.Add(key, lane);
        return lane;
    }

    private void NoteDebt(KeyLane lane)
    {
        if (!lane.IsInDebt)
            _keysInDebt++;
        lane.IsInDebt = true;
    }

    private static long Sooner(long? one, long other) => Math.Min(one ?? long.MaxValue, other);
}
