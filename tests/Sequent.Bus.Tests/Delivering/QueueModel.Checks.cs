using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What the guarantees say.</summary>
internal sealed partial class QueueModel
{
    public void CheckDelivery(ModelInstance instance, Handover handover)
    {
        CountTheCounted();
        var e = _log[(int)handover.Position - 1];
        Assert.That(instance.IsGone || instance.IsDraining, Is.False, "nothing goes to a session that is gone or going");
        Assert.That(instance.Takes, Does.Contain(e.Type));
        Assert.That(e.IsSettled, Is.False, "nothing settled comes back");
        Assert.That(e.IsHeld, Is.False, "nothing on its way to the dead letters is sent");
        Assert.That(e.Holder, Is.Null, "nobody else holds it");
        Assert.That(instance.Held.Count, Is.LessThan(instance.Window));
        Assert.That(instance.Held.Values.Count(h => h.Key == e.Key), Is.LessThan(instance.WindowPerKey), "no more of one key than its instance takes");
        Assert.That(e.NotBefore, Is.LessThanOrEqualTo(_now), "what failed waits its back-off");
        CheckOrder(instance, e);
        Assert.That(handover.Attempt, Is.EqualTo(e.Failures + 1));
        Assert.That(handover.Redriven, Is.EqualTo(e.IsRedriven));
        if (e.WasDelivered)
            Assert.That(handover.Redelivered, Is.True);
        Assert.That(handover.Delivery, Is.EqualTo(++instance.LastDelivery));
        e.Take(instance, handover.Delivery);
        instance.Held.Add(handover.Delivery, e);
    }

    /// <summary>Deliveries came back that nobody gave back: only a deadline may do that.</summary>
    public void CheckExpired(ModelInstance instance, IReadOnlyList<long> deliveries)
    {
        var failed = instance.Held[deliveries[0]];
        Assert.That(Heads(), Does.Contain(failed), "only the head of a key has a deadline");
        Assert.That(failed.HeadSince + Limits.AckDeadlineMicros, Is.LessThanOrEqualTo(_now));
        Assert.That(failed.ExtendedUntil, Is.LessThanOrEqualTo(_now));
        Assert.That(deliveries, Is.EqualTo(FromOnwards(instance, failed)));
        Fail(failed, delay: null, deadLetter: false);
    }

    private void CheckOrder(ModelInstance instance, ModelEvent e)
    {
        var others = _log.Where(o => o.Key == e.Key && o != e && o.IsOpen).ToList();
        if (e.IsRedriven)
        {
            Assert.That(others, Is.All.Matches<ModelEvent>(o => o!.Holder is null), "a redriven event goes alone");
            return;
        }

        Assert.That(others.Where(o => o.IsRedriven), Is.All.Matches<ModelEvent>(o => o!.Holder is null), "nothing goes beside a redriven event");
        others.RemoveAll(o => o.IsRedriven);
        Assert.That(others.Where(o => o.Position < e.Position), Is.All.Matches<ModelEvent>(o => o!.Holder == instance), "in order, and one owner per key");
        Assert.That(others.Where(o => o.Position > e.Position), Is.All.Matches<ModelEvent>(o => o!.Holder is null), "no later one is out");
    }

    private void CheckState()
    {
        CountTheCounted();
        NoteInterest();
        foreach (var head in Heads())
            head.HeadSince ??= _now;

        // A key whose events were not read yet may turn out to owe nothing: what is left of it is of types nobody takes.
        var inDebt = _log.Where(e => e.IsOpen).Select(e => e.Key).ToHashSet();
        var unread = _log.Select(e => e.Key).Distinct().Count(key => !inDebt.Contains(key) && _queue.DescribeKey(key) is { OldestUnacked: not null, Next: null, InFlight.Count: 0 });
        Assert.That(_queue.KeysInDebt, Is.InRange(inDebt.Count, inDebt.Count + unread));
        Assert.That(NeverAcked().Sum(i => i.Held.Count), Is.LessThanOrEqualTo(Limits.MaxNeverAcked));
    }

    private void CheckLetter(DeadLetter letter)
    {
        var e = _log[(int)letter.Position - 1];
        if (letter.Reason == "no_taker")
        {
            Assert.That(_everOutOfInterest, Does.Contain(e.Type), "given up only when nobody is expected who takes it");
            e.IsHeld = true;
        }

        Assert.That(e.IsHeld, Is.True, $"{letter.Reason} has a cause");
        Assert.That((e.Holder, e.IsSettled), Is.EqualTo(((ModelInstance?)null, false)));
        Assert.That(letter.Attempts, Is.EqualTo(e.Failures));
    }

    /// <summary>Sessions that never ack hold too much: the queue settled their oldest ones without a word.</summary>
    private void CountTheCounted()
    {
        var counted = 0;
        foreach (var instance in _instances.Where(i => i.IsV1))
        {
            foreach (var delivery in instance.Held.Keys.Where(d => instance.Instance.Find(d) is null).ToArray())
            {
                Assert.That(instance.HasAcked, Is.False);
                Assert.That(instance.Held.Keys.First(), Is.EqualTo(delivery), "the oldest first");
                instance.Settle(delivery);
                counted++;
            }
        }

        // A delivery in the middle of counting comes before the count is told.
        Assert.That(_queue.CountedAsAcked, Is.InRange(_counted + counted - 1, _counted + counted));
        _counted += counted;
    }

    private void Fail(ModelEvent e, long? delay, bool deadLetter)
    {
        e.Failures++;
        if (deadLetter || e.Failures >= Limits.MaxDeliveries)
            e.IsHeld = true;
        else
            e.NotBefore = _now + (delay ?? 100_000L << (e.Failures - 1));
    }

    private void CountLosses(ModelInstance instance)
    {
        foreach (var head in Heads().Where(h => h.Holder == instance && !(_now - h.LastLoss < Limits.LossIntervalMicros)).ToArray())
        {
            head.LastLoss = _now;
            head.Losses++;
            head.IsHeld |= head.Losses >= Limits.MaxLosses;
        }
    }

    /// <summary>The events that everything else of their key waits for, as far as they are in flight at v2 instances.</summary>
    private IEnumerable<ModelEvent> Heads() =>
        from ofKey in _log.Where(e => e.IsOpen).GroupBy(e => e.Key)
        let redriven = ofKey.FirstOrDefault(e => e.IsRedriven && e.Holder is not null)
        let head = redriven ?? ofKey.FirstOrDefault(e => !e.IsRedriven)
        where head?.Holder is { IsV1: false }
        select head;

    private static IEnumerable<long> FromOnwards(ModelInstance instance, ModelEvent failed) =>
        instance.Held.Where(h => h.Value.Key == failed.Key && h.Value.Position >= failed.Position).Select(h => h.Key).Order();

    private IEnumerable<ModelInstance> NeverAcked() => _instances.Where(i => i.IsV1 && !i.HasAcked);

    private HashSet<string> Interest() => [.. _instances.Where(i => !i.IsDraining).SelectMany(i => i.Takes), .. _grace.SelectMany(g => g.Types)];

    private void NoteInterest()
    {
        if (!_instances.Any(i => !i.IsDraining))
            return;
        var interest = Interest();
        foreach (var type in (string[])["a", "b"])
        {
            if (interest.Contains(type))
                continue;
            _everOutOfInterest.Add(type);
            _outSinceSaving.Add(type);
        }
    }

    private void AddGrace(string[] types)
    {
        _grace.RemoveAll(g => g.Types.Order().SequenceEqual(types.Order()));
        if (types.Length > 0)
            _grace.Add((types, _lived + Limits.InterestGraceMicros));
    }

    private void DropGrace(IEnumerable<string> types)
    {
        _grace = [.. _grace.Select(g => (g.Types.Except(types).ToArray(), g.EndsAt)).Where(g => g.Item1.Length > 0)];
    }
}
