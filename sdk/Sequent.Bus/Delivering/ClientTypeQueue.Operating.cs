using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What an operator asks for and about.</summary>
internal sealed partial class ClientTypeQueue
{
    /// <summary>Starts over after a position: what is in flight is revoked, every debt is void, everything after the position is judged again.</summary>
    public void Reset(long position)
    {
        foreach (var instance in (Instance[])[.. _turns, .. _draining])
        {
            var revoked = instance.Lanes.SelectMany(l => l.EventsInFlight()).OrderBy(e => e.Delivery).ToArray();
            var deliveries = revoked.Select(e => e.Delivery).ToArray();
            foreach (var e in revoked)
                TakeBack(e, instance);
            if (deliveries.Length > 0)
                instance.Outbox.Revoke(deliveries);
            instance.Lanes.Clear();
            instance.Waiting.Clear();
        }

        _lanes.Clear();
        _unassigned.Clear();
        _unassignedCount = 0;
        _untaken.Clear();
        _backingOff.Clear();
        _idle.Clear();
        _held.Clear();
        _redriven.Clear();
        _changed.Clear();
        _toRead.Clear();
        _restored.Clear();
        _unreadRestored = 0;
        _letters.Clear();
        (_inMemory, _keysInDebt, WaitsForKeys) = (0, 0, false);
        _perhapsHad = Math.Max(_perhapsHad, Cursor);
        Cursor = position;
        _interest.StartOver(position + 1);
        _startsOver = _cursorChanged = _interestChanged = _redrivenChanged = true;
        foreach (var instance in _draining.ToArray())
            LeaveIfDrained(instance);
    }

    /// <summary>Sends a dead letter on its way again. One that is on its way already, perhaps because the cursor was reset, goes on.</summary>
    public void Redrive(EventHeader header)
    {
        if (_held.TryGetValue(header.Position, out var held))
        {
            // The letter is in the store, which is not known here yet; until it is, the event must not be settled without a trace.
            held.IsWantedAgain = true;
            return;
        }

        _removedLetters.Add(header.Position);
        _redrivenChanged = true;
        if (header.Position > Cursor || _redriven.ContainsKey(header.Position))
            return;
        var known = _lanes.GetValueOrDefault(header.Key);
        if (known?.Owes(header.Position) == true)
            return;
        var lane = known ?? AddLane(header.Key);
        NoteDebt(lane);
        AddRedriven(lane, header, default);
        Dispatch(lane);
        CountOldestAsAcked();
    }

    /// <summary>Drops a dead letter for good.</summary>
    public void DropDeadLetter(long position) => _removedLetters.Add(position);

    /// <summary>How the client type is doing.</summary>
    public ClientTypeStatus Describe()
    {
        var oldest = _lanes.Values.Select(OldestDebt).DefaultIfEmpty(Cursor + 1).Min();
        return new ClientTypeStatus(
            Name,
            Cursor,
            _keysInDebt,
            _inMemory,
            oldest <= Cursor ? oldest : null,
            WaitsForKeys,
            _interest.Current.Types,
            [.. _turns.Select(i => Describe(i, false)), .. _draining.Select(i => Describe(i, true))]);
    }

    /// <summary>The event of a key at a position was judged and is owed no more: acked, among the dead letters, or never wanted.</summary>
    public bool IsSettled(string key, long position) =>
        Cursor >= position && !_redriven.ContainsKey(position) && _lanes.GetValueOrDefault(key)?.Owes(position) != true;

    /// <summary>Every event up to a position was judged and is owed no more.</summary>
    public bool IsSettledUpTo(long position) => Cursor >= position && OldestDebt() > position && _redriven.Keys.All(p => p > position);

    /// <summary>What one key owes, and why it does not go on, or null if it has neither debt nor owner.</summary>
    public KeyStatus? DescribeKey(string key)
    {
        if (!_lanes.TryGetValue(key, out var lane))
            return null;
        var next = lane.Next;
        return new KeyStatus(
            key,
            lane.Owner?.SessionId,
            [.. lane.EventsInFlight().Select(e => e.Position)],
            lane.First?.Position ?? lane.Missing?.After + 1,
            next?.Position,
            next?.Failures ?? lane.First?.Failures ?? 0,
            next?.Losses ?? lane.First?.Losses ?? 0,
            WhyWaiting(lane, next));
    }

    /// <summary>What an instance holds, the oldest first, at most so much.</summary>
    public IReadOnlyList<HeldEvent> DescribeHeld(string sessionId, int max) =>
        [.. _turns.Concat(_draining).Where(i => i.SessionId == sessionId).SelectMany(i => i.Lanes).SelectMany(l => l.EventsInFlight())
            .OrderBy(e => e.Delivery).Take(max).Select(e => new HeldEvent(e.Delivery, e.Position, e.Lane.Key, e.EventType, e.Failures))];

    private string WhyWaiting(KeyLane lane, Unsettled? next)
    {
        if (!lane.HasDebt)
            return "nothing is owed";
        if (_isStopping)
            return "the bus is stopping";
        if (lane.HeldForDeadLetter > 0)
            return "an event is being stored as a dead letter";
        if (next is null)
            return lane.InFlight > 0 ? "everything known is in flight and waits for its ack" : "its events are being read from the log";
        if (next.NotBefore > _now)
            return $"backing off for {(next.NotBefore - _now) / 1_000} ms after a nack";
        if (!HasInstances)
            return "no instance is live";
        if (lane.InFlight > 0 && next.IsRedriven)
            return "a redriven event waits until nothing of the key is in flight";
        if (lane.InFlight > 0)
            return "its instance has as many of this key in flight as it takes, or the next event goes elsewhere once those are settled";
        if (!_turns.Any(i => i.Takes.Takes(next.EventType)))
            return $"no live instance takes {next.EventType}";
        return lane.Owner is null ? "every instance that takes it is full" : "its instance is full";
    }

    private void AddRedriven(KeyLane lane, EventHeader header, Trouble trouble)
    {
        var e = new Unsettled(lane, header) { IsRedriven = true, WasSent = true, Failures = trouble.Failures, Losses = trouble.Losses };
        _redriven.Add(header.Position, e);
        lane.AddRedriven(e);
    }

    private static InstanceStatus Describe(Instance instance, bool isDraining) =>
        new(instance.SessionId, instance.Name, instance.InFlight, instance.Lanes.Count, instance.IsV1 ? null : instance.Window, instance.Takes.Types, isDraining);
}

/// <summary>How a client type is doing.</summary>
/// <param name="Name">The client type.</param>
/// <param name="Cursor">Every event up to here was judged.</param>
/// <param name="KeysInDebt">Keys with something unsettled.</param>
/// <param name="EventsInMemory">Unsettled events that are held in memory; there may be more in the log.</param>
/// <param name="OldestUnacked">The position of the oldest unsettled event, or null.</param>
/// <param name="WaitsForKeys">The cursor waits because too many keys are in debt.</param>
/// <param name="EventTypes">What it takes; null: all.</param>
/// <param name="Instances">Its live instances, in the order of their turns.</param>
internal sealed record ClientTypeStatus(
    string Name,
    long Cursor,
    int KeysInDebt,
    int EventsInMemory,
    long? OldestUnacked,
    bool WaitsForKeys,
    IReadOnlyList<string>? EventTypes,
    IReadOnlyList<InstanceStatus> Instances);

/// <summary>What one instance holds.</summary>
/// <param name="SessionId">Its session.</param>
/// <param name="Name">The name it gave itself.</param>
/// <param name="InFlight">Unacked deliveries.</param>
/// <param name="Keys">Keys assigned to it.</param>
/// <param name="Window">How many unacked deliveries it takes; null: any number (v1).</param>
/// <param name="EventTypes">What it takes; null: all.</param>
/// <param name="IsDraining">It takes nothing new.</param>
internal sealed record InstanceStatus(string SessionId, string? Name, int InFlight, int Keys, int? Window, IReadOnlyList<string>? EventTypes, bool IsDraining);

/// <summary>An event in flight at an instance.</summary>
/// <param name="Delivery">The number of the delivery in its session.</param>
/// <param name="Position">The event.</param>
/// <param name="Key">Its key.</param>
/// <param name="EventType">Its type.</param>
/// <param name="Failures">How often it failed so far.</param>
internal sealed record HeldEvent(long Delivery, long Position, string Key, string EventType, int Failures);

/// <summary>What one key owes, and why it waits.</summary>
/// <param name="Key">The sequence key.</param>
/// <param name="Owner">The session it is assigned to, or null.</param>
/// <param name="InFlight">The positions of what is in flight.</param>
/// <param name="OldestUnacked">The position of its oldest unsettled event, or null.</param>
/// <param name="Next">The position of the next event to be sent, or null.</param>
/// <param name="Failures">How often that one failed.</param>
/// <param name="Losses">How often a session was lost over it.</param>
/// <param name="Why">Why it waits, in words.</param>
internal sealed record KeyStatus(
    string Key,
    string? Owner,
    IReadOnlyList<long> InFlight,
    long? OldestUnacked,
    long? Next,
    int Failures,
    int Losses,
    string Why);
