using System.Globalization;
using System.Text;
using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>
/// Drives a queue and checks every step against what the guarantees say, with the simplest bookkeeping: per event whether it is settled,
/// and who holds it. The limits are tiny, so that every one of them is met.
/// </summary>
internal sealed partial class QueueModel
{
    private static readonly DeliveryLimits Limits = new()
    {
        MaxDeliveries = 3,
        MaxLosses = 2,
        LossIntervalMicros = 30,
        AckDeadlineMicros = 120,
        StickyIdleMicros = 50,
        InterestGraceMicros = 80,
        MaxInMemory = 8,
        MaxChain = 3,
        MinChain = 2,
        MaxKeysInDebt = 4,
        MaxNeverAcked = 6,
    };

    private readonly List<ModelEvent> _log = [];
    private readonly List<ModelInstance> _instances = [];
    private readonly List<DebtRead> _reads = [];
    private List<(string[] Types, long EndsAt)> _grace = [];
    private ClientTypeQueue _queue = new(new ClientTypeRecord("accounts", 0, [], []), Limits, 0);
    private ClientTypeRecord _saved = new("accounts", 0, [], []);
    private ClientTypeChanges? _saving;
    private HashSet<string> _everOutOfInterest = [];
    private HashSet<string> _outSinceSaving = [];
    private long _now = 1_000;
    private long _lived;
    private long _counted;
    private int _joined;
    private readonly StringBuilder _history = new();

    public QueueModel() => _queue.Tick(_now, _now);

    /// <summary>What was done so far, for a failure's message.</summary>
    public string History => _history.ToString();

    public int InstanceCount => _instances.Count;

    public ModelInstance InstanceAt(int index) => _instances[index % _instances.Count];

    public void Publish(int key, string type)
    {
        Note($"publish {_log.Count + 1} k{key} {type}");
        _log.Add(new ModelEvent(_log.Count + 1, $"k{key}", type, (uint)_log.Count(e => e.Key == $"k{key}")));
    }

    public void Join(string[] takes, int window, int windowPerKey, bool isV1)
    {
        Note($"join {string.Join("+", takes)} window={window} windowPerKey={windowPerKey} isV1={isV1}");
        var name = $"i{++_joined}";
        var instance = isV1 ? new ModelInstance(this, name, takes, int.MaxValue, int.MaxValue) : new ModelInstance(this, name, takes, window, windowPerKey);
        _instances.Add(instance);
        _queue.Join(instance.Instance);
    }

    public void Rejoin(ModelInstance instance, string[] takes, int window)
    {
        Note($"rejoin {instance} {string.Join("+", takes)} window={window}");
        window = instance.IsV1 ? int.MaxValue : window;
        if (instance.IsDraining || !takes.SequenceEqual(instance.Takes) || window != instance.Window)
            DropGrace(instance.Takes.Except(takes));
        (instance.Takes, instance.Window, instance.IsDraining) = (takes, window, false);
        _queue.Rejoin(instance.Instance, TypeFilter.Of(takes), window, instance.Instance.WindowPerKey);
    }

    public void Leave(ModelInstance instance, bool isLost)
    {
        Note($"leave {instance} isLost={isLost}");
        CountTheCounted();
        _instances.Remove(instance);
        if (!instance.IsDraining)
            AddGrace(instance.Takes);
        if (isLost && !instance.IsV1)
            CountLosses(instance);
        foreach (var e in instance.Held.Values)
            e.GiveBack();
        instance.Held.Clear();
        instance.IsGone = true;
        _queue.Leave(instance.Instance, isLost);
    }

    public void Drain(ModelInstance instance)
    {
        Note($"drain {instance}");
        if (instance.IsDraining)
            return;
        AddGrace(instance.Takes);
        instance.IsDraining = true;
        _queue.Drain(instance.Instance, () =>
        {
            Assert.That(instance.Held, Is.Empty, "drained means that nothing is in flight");
            instance.IsGone = true;
            _instances.Remove(instance);
        });
    }

    public void Ack(ModelInstance instance, int which)
    {
        Note($"ack {instance} which={which}");
        CountTheCounted();
        if (instance.Held.Count == 0)
            return;
        var (delivery, e) = instance.Held.ElementAt(which % instance.Held.Count);
        instance.Settle(delivery);
        instance.HasAcked |= instance.IsV1;
        Assert.That(instance.IsV1 ? _queue.AckEvent(instance.Instance, e.Key, e.Header.Value) : _queue.Ack(instance.Instance, [delivery]), Is.True);
    }

    public void AckUpTo(ModelInstance instance, int which)
    {
        Note($"ackupto {instance} which={which}");
        if (instance.LastDelivery == 0 || instance.IsV1)
            return;
        var upTo = 1 + (which % instance.LastDelivery);
        foreach (var delivery in instance.Held.Keys.Where(d => d <= upTo).ToArray())
            instance.Settle(delivery);
        Assert.That(_queue.AckUpTo(instance.Instance, upTo), Is.True);
    }

    public void AckRevoked(ModelInstance instance, int which)
    {
        Note($"ackrevoked {instance} which={which}");
        if (instance.Revoked.Count > 0)
            Assert.That(_queue.Ack(instance.Instance, [instance.Revoked[which % instance.Revoked.Count]]), Is.True);
    }

    public void Extend(ModelInstance instance, int which, int micros)
    {
        Note($"extend {instance} which={which} micros={micros}");
        if (instance.Held.Count == 0)
            return;
        var (delivery, e) = instance.Held.ElementAt(which % instance.Held.Count);
        e.ExtendedUntil = Math.Max(e.ExtendedUntil, _now + micros);
        Assert.That(_queue.Extend(instance.Instance, [delivery], micros), Is.True);
    }

    public void Nack(ModelInstance instance, int which, long? delay, bool deadLetter)
    {
        Note($"nack {instance} which={which} delay={delay} deadLetter={deadLetter}");
        if (instance.Held.Count == 0 || instance.IsV1)
            return;
        var (delivery, failed) = instance.Held.ElementAt(which % instance.Held.Count);
        instance.ExpectedRevocation = [.. FromOnwards(instance, failed)];
        Fail(failed, delay, deadLetter);
        _queue.Nack(instance.Instance, delivery, delay, null, deadLetter);
        Assert.That(instance.ExpectedRevocation, Is.Null, "a nack revokes");
    }

    public void Redrive(int which)
    {
        Note($"redrive which={which}");
        var dead = _log.Where(e => e.IsDead).ToArray();
        if (dead.Length == 0)
            return;
        var e = dead[which % dead.Length];
        (e.IsDead, e.IsSettled, e.IsRedriven, e.Failures, e.Losses, e.LastLoss) = (false, false, true, 0, 0, null);
        _queue.Redrive(e.Header);
    }

    public void Tick(int micros)
    {
        Note($"tick micros={micros}");
        _now += micros;
        if (_instances.Any(i => !i.IsDraining))
        {
            _lived += micros;
            _grace.RemoveAll(g => g.EndsAt <= _lived);
        }

        NoteInterest();
        _queue.Tick(_now, _now);
        Assert.That(
            Heads().Where(h => h.HeadSince is { } since && since + Limits.AckDeadlineMicros <= _now && h.ExtendedUntil <= _now),
            Is.Empty,
            "nothing is over its deadline");
    }

    /// <summary>Everything the loop does between two steps of a history: feeds, and reads what is missing.</summary>
    public void Settle(int readFailures)
    {
        Feed();
        foreach (var read in _queue.TakeReads(2))
            _reads.Add(read);
        foreach (var read in _reads.ToArray())
        {
            _reads.Remove(read);
            if (readFailures-- > 0)
                _queue.NotLoaded(read);
            else
                Load(read);
        }

        CheckState();
    }

    public void BeginSave()
    {
        Note($"beginsave");
        if (_saving is not null)
            return;
        _saving = _queue.TakeChanges();
        foreach (var letter in _saving.DeadLetters)
            CheckLetter(letter);
        _outSinceSaving = [];
        NoteInterest();
        foreach (var e in _log)
            e.BeginSave();
    }

    public void EndSave(bool works)
    {
        Note($"endsave works={works}");
        if (_saving is not { } changes)
            return;
        _saving = null;
        if (!works)
        {
            _outSinceSaving.UnionWith(_everOutOfInterest);
            _queue.NotSaved(changes);
            return;
        }

        _everOutOfInterest = _outSinceSaving;
        MakeDurable(changes);
        foreach (var letter in changes.DeadLetters)
        {
            var e = _log[(int)letter.Position - 1];
            e.Settle();
            (e.IsDead, e.IsRedriven) = (true, false);
        }

        _queue.Saved(changes);
    }

    /// <summary>A clean stop and start: everything saved, all sessions gone.</summary>
    public void Restart()
    {
        Note($"restart");
        while (_instances.Count > 0)
            Leave(_instances[0], isLost: false);
        EndSave(works: true);
        for (var i = 0; i < 2; i++)
        {
            BeginSave();
            EndSave(works: true);
        }

        StartFromSaved();
    }

    /// <summary>The process dies: what was settled or failed since the last save comes back, and only that. A save under way may have happened.</summary>
    public void Crash(bool savingHappened)
    {
        Note($"crash savingHappened={savingHappened}");
        if (_saving is { } changes && savingHappened)
            MakeDurable(changes);
        _saving = null;
        foreach (var instance in _instances)
            instance.IsGone = true;
        _instances.Clear();
        foreach (var e in _log)
            e.Forget();
        StartFromSaved();
    }

    /// <summary>With one willing instance everything owed is settled in the end, and nothing is left in the books.</summary>
    public void SettleEverything()
    {
        foreach (var leftOver in _instances.Where(i => i.IsDraining || i.Takes.Length < 2).ToArray())
            Leave(leftOver, isLost: false);
        if (_instances.Count == 0)
            Join(["a", "b"], 4, 2, isV1: false);
        for (var round = 0; round < 10_000; round++)
        {
            BeginSave();
            EndSave(works: true);
            Settle(0);
            Tick(_instances.Any(i => i.Held.Count > 0) ? 40 : 1_000_000);
            if (_instances.Find(i => i.Held.Count > 0) is { } holder)
                Ack(holder, 0);
            else if (_queue.Cursor == _log.Count && !_log.Any(e => e.IsOpen))
                break;
        }

        Assert.That(_log.Where(e => e.IsOpen), Is.Empty, "nothing owed is lost");
        for (var i = 0; i < 2; i++)
        {
            BeginSave();
            EndSave(works: true);
        }

        Assert.That((_queue.InMemory, _queue.KeysInDebt), Is.EqualTo((0, 0)));
        Assert.That((_saved.Debts.Count, _saved.Redriven.Count, _saved.Cursor), Is.EqualTo((0, 0, (long)_log.Count)));
    }

    public void Note(string what) => _history.AppendLine(CultureInfo.InvariantCulture, $"{_now} {what}");

    private void Feed()
    {
        while (_queue.Cursor < _log.Count)
        {
            var e = _log[(int)_queue.Cursor];
            var interest = Interest();
            if (!_queue.Offer(e.Header))
                return;
            e.IsOwed = interest.Contains(e.Type);
            CountTheCounted();
        }
    }

    private void Load(DebtRead read)
    {
        var chain = _log.Where(e => e.Key == read.Lane.Key && e.Position > read.After && e.Position <= read.Until).Select(e => e.Header).ToArray();
        _queue.Loaded(read, [.. chain.Take(read.Max)], chain.Length <= read.Max);
    }

    private void StartFromSaved()
    {
        _reads.Clear();
        foreach (var e in _log)
            (e.LastLoss, e.NotBefore) = (null, 0);
        _queue = new ClientTypeQueue(_saved, Limits, _log.Count, [.. _saved.Redriven.Select(r => _log[(int)r.Position - 1].Header)]);
        var interest = _saved.Interest.Count == 0 ? [] : _saved.Interest[^1].EventTypes!.ToArray();
        _grace = interest.Length == 0 ? [] : [(interest, _lived + Limits.InterestGraceMicros)];
        _counted = 0;
        (_everOutOfInterest, _outSinceSaving) = ([], []);
        _queue.Tick(_now, _now);
    }

    private void MakeDurable(ClientTypeChanges changes)
    {
        var debts = _saved.Debts.ToDictionary(d => d.Key);
        foreach (var key in changes.SettledKeys)
            debts.Remove(key);
        foreach (var debt in changes.Debts)
            debts[debt.Key] = debt;
        _saved = new ClientTypeRecord("accounts", changes.Cursor, changes.Interest ?? _saved.Interest, [.. debts.Values]) { Redriven = changes.Redriven ?? _saved.Redriven };
        foreach (var e in _log)
            e.EndSave();
        foreach (var letter in changes.DeadLetters)
            _log[(int)letter.Position - 1].MakeDeadDurably();
    }
}
