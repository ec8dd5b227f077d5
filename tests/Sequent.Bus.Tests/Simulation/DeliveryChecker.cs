using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Knows what consumers did, and looks whether they get what they are owed, in order, and whether what is given up deserves it.</summary>
internal sealed class DeliveryChecker(Simulation simulation)
{
    private readonly HashSet<(string ClientType, long Position)> _acked = [];
    private readonly Dictionary<(string ClientType, long Position), TimeSpan> _settled = [];
    private readonly Dictionary<(string ClientType, long Position), EventRecord> _records = [];
    private readonly Dictionary<string, int> _unseenExpiries = [];
    private readonly HashSet<(string ClientType, long Position)> _redriven = [];
    private readonly HashSet<(string ClientType, long Position)> _everRedriven = [];
    private readonly List<DeadLetter> _unjudged = [];

    public void NoteAck(SimulatedConsumer consumer, HeldDelivery held) => _acked.Add((consumer.ClientType, held.Position));

    /// <summary>The bus has surely settled these: nothing but a crash brings them back, and that not if they were saved.</summary>
    public void NoteHeard(SimulatedConsumer consumer)
    {
        foreach (var held in consumer.Acked.Values)
            _settled[(consumer.ClientType, held.Position)] = simulation.Elapsed;
        consumer.Acked.Clear();
        foreach (var held in consumer.Held.Values)
            held.Extended = held.Extended with { WasHeard = true };
    }

    public void NoteNack(SimulatedConsumer consumer, HeldDelivery held, SentNack nack)
    {
        simulation.Faults.Note(Fault.Nack);
        var record = Record(consumer.ClientType, held.Position);
        record.MostFailures++;
        record.Asked += nack.DeadLetter ? 1 : 0;
    }

    /// <summary>The nack met nothing: what it named had just been revoked.</summary>
    public void NoteTooLate(SimulatedConsumer consumer, HeldDelivery held, SentNack nack)
    {
        var record = Record(consumer.ClientType, held.Position);
        record.MostFailures--;
        record.Asked -= nack.DeadLetter ? 1 : 0;
    }

    /// <summary>A delivery was revoked because it failed: after a nack, or because its deadline had passed.</summary>
    public void NoteFailure(SimulatedConsumer consumer, HeldDelivery held)
    {
        var record = Record(consumer.ClientType, held.Position);
        if (held.Nack is { } nack)
        {
            record.NotBefore = consumer.IsBehind ? TimeSpan.Zero : nack.At + nack.Delay;
        }
        else
        {
            Assert.That(simulation.Plan.AckDeadline, Is.Not.Null, $"nobody gave back delivery {held.Delivery} of {consumer.Name}");
            Assert.That(simulation.Elapsed - held.At, Is.GreaterThanOrEqualTo(simulation.Plan.AckDeadline), "a deadline is not cut short");
            Assert.That(held.Extended.WasHeard && simulation.Elapsed < held.Extended.Until, Is.False, "who asked for more time has it");
            simulation.Faults.Note(Fault.AckDeadlinePassed);
            record.MostFailures++;
        }

        record.NoteFailure(simulation.Elapsed, held.At);
    }

    /// <summary>Its connection is about to be lost while everything is at rest: that counts against the heads of its keys.</summary>
    public void NoteLost(SimulatedConsumer consumer)
    {
        simulation.Faults.Note(Fault.Loss);
        foreach (var head in consumer.Held.Values.GroupBy(h => h.Key).Select(key => key.MinBy(h => h.Delivery)!))
            Record(consumer.ClientType, head.Position).NoteLoss(simulation.Elapsed);
    }

    /// <summary>It will never hear which of its deadlines passed in the end.</summary>
    public void NoteLeft(SimulatedConsumer consumer)
    {
        if (simulation.Plan.AckDeadline is not { } deadline)
            return;
        foreach (var held in consumer.Held.Values.Concat(consumer.Acked.Values))
            NotePerhapsExpired(consumer, held);
        _unseenExpiries[consumer.ClientType] = _unseenExpiries.GetValueOrDefault(consumer.ClientType) + UnseenExpiries(consumer, deadline);
    }

    /// <summary>The delivery was taken back for whatever reason, perhaps because its deadline had passed.</summary>
    public void NotePerhapsExpired(SimulatedConsumer consumer, HeldDelivery held)
    {
        if (MayBeExpired(held))
            Record(consumer.ClientType, held.Position).MostFailures++;
    }

    /// <summary>An operator is about to send a dead letter on its way again.</summary>
    public void NoteRedrive(DeadLetter letter)
    {
        var place = (letter.ClientType, letter.Position);
        _redriven.Add(place);
        _everRedriven.Add(place);
        _acked.Remove(place);
        _settled.Remove(place);
        Record(letter.ClientType, letter.Position).Redrive(simulation.Elapsed);
    }

    /// <summary>It is not on its way already, and its former end was judged.</summary>
    public bool CanBeRedriven(DeadLetter letter) => !_redriven.Contains((letter.ClientType, letter.Position)) && !_unjudged.Exists(l => l.Position == letter.Position);

    /// <summary>The bus has ended, one way or another.</summary>
    public void NoteEnd()
    {
        foreach (var record in _records.Values)
            record.NoteEnd();
    }

    public void NoteCrash()
    {
        foreach (var (place, at) in _settled.ToArray())
        {
            if (at >= simulation.Disk.DurableBefore(place.ClientType))
                _settled.Remove(place);
        }

        foreach (var (place, record) in _records)
            record.NoteCrash(simulation.Disk.DurableBefore(place.ClientType));
        _redriven.RemoveWhere(place => simulation.DeadLetters(place.ClientType).Contains(place.Position));
    }

    /// <summary>What was at the end of the log is gone.</summary>
    public void NotePowerFailure()
    {
        var head = simulation.Log().Count;
        _acked.RemoveWhere(p => p.Position > head);
        _redriven.RemoveWhere(p => p.Position > head);
        _everRedriven.RemoveWhere(p => p.Position > head);
        foreach (var place in _settled.Keys.Concat(_records.Keys).Where(p => p.Position > head).ToArray())
        {
            _settled.Remove(place);
            _records.Remove(place);
        }

        foreach (var record in _records.Values)
            record.NotePowerFailure();
    }

    /// <summary>Where there is a deadline, a consumer may not have heard yet that it passed; then this waits until the bus rests.</summary>
    public void NoteLetter(DeadLetter letter)
    {
        _redriven.Remove((letter.ClientType, letter.Position));
        _unjudged.Add(letter);
        if (simulation.Plan.AckDeadline is null)
            Judge();
    }

    /// <summary>Nothing is given up that did not deserve it, and every failure is counted.</summary>
    public void Judge()
    {
        foreach (var letter in _unjudged)
        {
            var record = Record(letter.ClientType, letter.Position);
            if (record.Judged == letter)
                continue;
            record.Judged = letter;
            var most = record.MostFailures + UnseenExpiries(letter.ClientType);
            Assert.That(letter.Attempts, Is.InRange(record.LeastFailures, most), $"position {letter.Position} of {letter.ClientType} failed so often: {letter.Reason}");
            switch (letter.Reason)
            {
                case "dead_letter":
                    Assert.That(record.Asked, Is.Positive, $"somebody asked for the dead letter at {letter.Position}");
                    simulation.Faults.Note(Fault.DeadLetterAskedFor);
                    break;
                case "max_losses":
                    Assert.That(record.Losses, Is.GreaterThanOrEqualTo(simulation.Plan.MaxLosses), $"sessions were lost over position {letter.Position}");
                    simulation.Faults.Note(Fault.DeadLetterOfLosses);
                    break;
                default:
                    Assert.That(letter.Attempts, Is.GreaterThanOrEqualTo(SimulationPlan.MaxDeliveries), $"position {letter.Position} failed too seldom for {letter.Reason}");
                    simulation.Faults.Note(Fault.DeadLetterOfFailures);
                    break;
            }
        }

        _unjudged.Clear();
    }

    public void CheckDelivery(SimulatedConsumer consumer, HeldDelivery delivery, bool redelivered, int? attempt)
    {
        // What was on its way may have been revoked since: it waited for its reader, or for its body, or its key was just given back.
        var isBehind = consumer.IsBehind || consumer.IsEnding || simulation.HadReadFailure || consumer.Held.Values.Any(h => h.Key == delivery.Key && (h.IsDoubtful || MayBeExpired(h)));
        var place = (consumer.ClientType, delivery.Position);
        Assert.That(simulation.Log()[(int)delivery.Position - 1].Key, Is.EqualTo(delivery.Key));
        Assert.That(isBehind || !_settled.ContainsKey(place), $"position {delivery.Position} came back to {consumer.Name} although it was settled");
        Assert.That(isBehind || redelivered || !_acked.Contains(place), "who was had it before is told");
        Assert.That(consumer.Held, Has.Count.LessThan(consumer.Window.All), $"{consumer.Name} takes no more at once");
        Assert.That(consumer.Held.Values.Count(h => h.Key == delivery.Key), Is.LessThan(consumer.Window.PerKey), $"{consumer.Name} takes no more of one key at once");
        CheckOrder(consumer, delivery, isBehind);
        if (attempt is { } count)
            CheckAttempt(consumer, delivery, count, isBehind);
        foreach (var other in simulation.Consumers.Where(c => c != consumer && c.ClientType == consumer.ClientType && c.IsConnected && !isBehind))
            Assert.That(HeldOf(other, delivery.Key), Is.Empty, $"{other.Name} has events of this key");
    }

    public void CheckEnd(IReadOnlyList<StoredEvent> log)
    {
        Judge();
        foreach (var clientType in simulation.Consumers.Select(c => c.ClientType).Distinct())
        {
            var letters = simulation.DeadLetters(clientType);
            foreach (var e in log.Where(e => Simulation.IsOwed(clientType, e)))
                Assert.That(letters.Contains(e.Position) || _acked.Contains((clientType, e.Position)), $"position {e.Position} was owed to {clientType} and is lost");
        }
    }

    private void CheckOrder(SimulatedConsumer consumer, HeldDelivery delivery, bool isBehind)
    {
        // A redriven event stands beside the order of its key, and goes alone. Old clients are not told, so for them it may be either.
        var wasRedriven = _everRedriven.Contains((consumer.ClientType, delivery.Position));
        Assert.That(wasRedriven || !delivery.IsRedriven, Is.True, "nobody sent it on its way again");
        if (delivery.IsRedriven || (wasRedriven && consumer is OldConsumer))
        {
            Assert.That(consumer is OldConsumer || isBehind || !consumer.Held.Values.Any(h => h.Key == delivery.Key), Is.True, "a redriven event goes alone");
            return;
        }

        var ofKey = consumer.Held.Values.Where(h => h.Key == delivery.Key).ToArray();
        Assert.That(isBehind || !ofKey.Any(h => h.IsRedriven), Is.True, "nothing goes beside a redriven event");
        var held = ofKey.Where(h => !h.IsRedriven && !(consumer is OldConsumer && _everRedriven.Contains((consumer.ClientType, h.Position)))).Select(h => h.Position).ToHashSet();
        Assert.That(held, Is.All.LessThan(delivery.Position), "in order");
        var letters = simulation.DeadLetters(consumer.ClientType);
        foreach (var earlier in simulation.Log().Where(x => x.Key == delivery.Key && x.Position < delivery.Position && Simulation.IsOwed(consumer.ClientType, x)))
        {
            var place = (consumer.ClientType, earlier.Position);
            Assert.That(
                held.Contains(earlier.Position) || letters.Contains(earlier.Position) || _acked.Contains(place) || _everRedriven.Contains(place),
                $"position {delivery.Position} came to {consumer.Name} before {earlier.Position} of the same key was settled");
        }
    }

    /// <summary>What another one surely has of a key: once the deadline of the head has passed, it may hear of that only now, and its ack may have come too late.</summary>
    private IEnumerable<HeldDelivery> HeldOf(SimulatedConsumer other, string key)
    {
        var held = other.Held.Values.Where(h => h.Key == key).ToArray();
        return held.Concat(other.Acked.Values.Where(h => h.Key == key)).Any(MayBeExpired) ? [] : held.Where(h => !h.IsDoubtful);
    }

    private bool MayBeExpired(HeldDelivery held) => simulation.Elapsed - held.At >= simulation.Plan.AckDeadline;

    private void CheckAttempt(SimulatedConsumer consumer, HeldDelivery delivery, int attempt, bool isBehind)
    {
        var record = Record(consumer.ClientType, delivery.Position);
        Assert.That(attempt, Is.LessThanOrEqualTo(SimulationPlan.MaxDeliveries), "what failed that often is given up");
        Assert.That(attempt - 1, Is.LessThanOrEqualTo(record.MostFailures + UnseenExpiries(consumer.ClientType)), $"attempt of position {delivery.Position}: only failures count");
        Assert.That(isBehind || attempt - 1 >= record.LeastFailures, Is.True, $"attempt {attempt} of position {delivery.Position}: it failed {record.LeastFailures} times");
        Assert.That(isBehind || simulation.Elapsed >= record.NotBefore, Is.True, $"position {delivery.Position} waits its back-off");
    }

    private int UnseenExpiries(string clientType) => simulation.Plan.AckDeadline is { } deadline
        ? _unseenExpiries.GetValueOrDefault(clientType) + simulation.Consumers.Where(c => c.ClientType == clientType && !c.HasLeft).Sum(c => UnseenExpiries(c, deadline))
        : 0;

    /// <summary>How often a deadline may have passed at a consumer that does not hear at once.</summary>
    private int UnseenExpiries(SimulatedConsumer consumer, TimeSpan deadline) =>
        consumer.IsCaughtUp ? 0 : 1 + (int)((simulation.Elapsed - consumer.CaughtUpAt) / deadline);

    private EventRecord Record(string clientType, long position)
    {
        if (!_records.TryGetValue((clientType, position), out var record))
            _records.Add((clientType, position), record = new EventRecord());
        return record;
    }
}
