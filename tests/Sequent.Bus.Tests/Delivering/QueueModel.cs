using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>
/// Drives a queue and checks every step against what the guarantees say, with the simplest bookkeeping: per event whether it is settled,
/// and who holds it.
/// </summary>
internal sealed class QueueModel
{
    private static readonly DeliveryLimits Limits = new() { MaxDeliveries = 3, StickyIdleMicros = 50 };

    private readonly List<ModelEvent> _log = [];
    private readonly List<ModelInstance> _instances = [];
    private ClientTypeQueue _queue = new(new ClientTypeRecord("accounts", 0, [], []), Limits, 0);
    private ClientTypeRecord _saved = new("accounts", 0, [], []);
    private long _now = 1_000;

    public int InstanceCount => _instances.Count;

    public int LogLength => _log.Count;

    public void Publish(int key, bool isWanted) => _log.Add(new ModelEvent(_log.Count + 1, $"k{key}", isWanted ? "wanted" : "unwanted"));

    public void Feed()
    {
        while (_queue.Cursor < _log.Count)
        {
            var e = _log[(int)_queue.Cursor];
            if (!_queue.Offer(e.Header(ValueOf(e))))
                return;
            e.IsOwed = e.Type == "wanted";
        }
    }

    public void Join(int window, int windowPerKey, bool isV1)
    {
        var instance = new ModelInstance(this);
        instance.Instance = isV1
            ? new Instance(instance, TypeFilter.Of(["wanted"]), int.MaxValue, int.MaxValue, 0)
            : new Instance(instance, TypeFilter.Of(["wanted"]), window, windowPerKey, 0);
        instance.Window = isV1 ? int.MaxValue : window;
        _instances.Add(instance);
        _queue.Join(instance.Instance);
    }

    public void Leave(int index)
    {
        var instance = _instances[index % _instances.Count];
        _instances.Remove(instance);
        foreach (var e in instance.Held.Values)
            e.Holder = null;
        instance.IsGone = true;
        _queue.Leave(instance.Instance);
    }

    public void Ack(int index, int which)
    {
        var instance = _instances[index % _instances.Count];
        if (instance.Held.Count == 0)
            return;
        var (delivery, e) = instance.Held.ElementAt(which % instance.Held.Count);
        instance.Held.Remove(delivery);
        (e.Holder, e.IsSettled) = (null, true);
        Assert.That(_queue.Ack(instance.Instance, [delivery]), Is.True);
    }

    public void AckUpTo(int index, int which)
    {
        var instance = _instances[index % _instances.Count];
        if (instance.LastDelivery == 0)
            return;
        var upTo = 1 + (which % instance.LastDelivery);
        foreach (var (delivery, e) in instance.Held.Where(h => h.Key <= upTo).ToArray())
        {
            instance.Held.Remove(delivery);
            (e.Holder, e.IsSettled) = (null, true);
        }

        Assert.That(_queue.AckUpTo(instance.Instance, upTo), Is.True);
    }

    public void Rejoin(int index, int window)
    {
        var instance = _instances[index % _instances.Count];
        if (instance.Window == int.MaxValue)
            window = int.MaxValue;
        instance.Window = window;
        _queue.Rejoin(instance.Instance, TypeFilter.Of(["wanted"]), window, instance.Instance.WindowPerKey);
    }

    public void AckRevoked(int index, int which)
    {
        var instance = _instances[index % _instances.Count];
        if (instance.Revoked.Count == 0)
            return;
        Assert.That(_queue.Ack(instance.Instance, [instance.Revoked[which % instance.Revoked.Count]]), Is.True);
    }

    public void Nack(int index, int which, bool deadLetter)
    {
        var instance = _instances[index % _instances.Count];
        if (instance.Held.Count == 0)
            return;
        var (delivery, failed) = instance.Held.ElementAt(which % instance.Held.Count);
        instance.ExpectedRevocation = [.. instance.Held.Where(h => h.Value.Key == failed.Key && h.Value.Position >= failed.Position).Select(h => h.Key).Order()];
        failed.Failures++;
        _queue.Nack(instance.Instance, delivery, 10, null, deadLetter);
        Assert.That(instance.ExpectedRevocation, Is.Null, "a nack revokes");
        if (deadLetter || failed.Failures >= Limits.MaxDeliveries)
            Assert.That(_queue.DeadLetters.Any(d => d.Position == failed.Position));
    }

    public void Bury()
    {
        if (!_queue.DeadLetters.TryDequeue(out var letter))
            return;
        _log[(int)letter.Position - 1].IsSettled = true;
        _queue.DeadLettered(letter);
    }

    public void Tick(int micros) => _queue.Tick(_now += micros);

    public void Save()
    {
        var changes = _queue.TakeChanges();
        var debts = _saved.Debts.ToDictionary(d => d.Key);
        foreach (var key in changes.SettledKeys)
            debts.Remove(key);
        foreach (var debt in changes.Debts)
            debts[debt.Key] = debt;
        _saved = new ClientTypeRecord("accounts", changes.Cursor, changes.Interest ?? _saved.Interest, [.. debts.Values]);
        foreach (var e in _log)
            e.Save();
    }

    public void SaveFails() => _queue.NotSaved(_queue.TakeChanges());

    /// <summary>A clean stop and start: everything saved, all sessions gone.</summary>
    public void Restart()
    {
        while (_instances.Count > 0)
            Leave(0);
        while (_queue.DeadLetters.Count > 0)
            Bury();
        Save();
        StartFromSaved();
    }

    /// <summary>The process dies: what was settled or failed since the last save comes back, and only that.</summary>
    public void Crash()
    {
        _instances.Clear();
        foreach (var e in _log)
            e.Forget();
        StartFromSaved();
    }

    private void StartFromSaved()
    {
        _queue = new ClientTypeQueue(_saved, Limits, _log.Count);
        foreach (var debt in _saved.Debts)
            _queue.Restore(debt, _log.Where(e => e.Key == debt.Key && e.Position >= debt.FirstUnacked && e.Position <= _saved.Cursor).Select(e => e.Header(ValueOf(e))));
        _queue.Tick(_now);
    }

    /// <summary>With one willing instance everything owed is settled in the end, and nothing is left in the books.</summary>
    public void SettleEverything()
    {
        if (_instances.Count == 0)
            Join(4, 2, isV1: false);
        for (var round = 0; round < 10_000; round++)
        {
            Feed();
            while (_queue.DeadLetters.Count > 0)
                Bury();
            Tick(40_000_000);
            if (_instances.FindIndex(i => i.Held.Count > 0) is >= 0 and var holder)
                Ack(holder, 0);
            else if (_queue.Cursor == _log.Count)
                break;
        }

        Assert.That(_log.Where(e => e.IsOwed && !e.IsSettled), Is.Empty, "nothing owed is lost");
        Assert.That(_queue.Unsettled, Is.Zero);
        Save();
        Assert.That(_saved.Debts, Is.Empty);
        Assert.That(_saved.Cursor, Is.EqualTo(_log.Count));
    }

    private uint ValueOf(ModelEvent e) => (uint)_log.Count(other => other.Key == e.Key && other.Position < e.Position);

    private void CheckDelivery(ModelInstance instance, Handover handover)
    {
        var e = _log[(int)handover.Position - 1];
        Assert.That(instance.IsGone, Is.False, "nothing goes to a session that is gone");
        Assert.That(e.Type, Is.EqualTo("wanted"));
        Assert.That(e.IsSettled, Is.False, "nothing settled comes back");
        Assert.That(e.Holder, Is.Null, "nobody else holds it");
        Assert.That(instance.Held.Count, Is.LessThan(instance.Window));
        var ofKey = _log.Where(o => o.Key == e.Key && o.Type == "wanted").ToList();
        Assert.That(ofKey.Where(o => o.Position < e.Position), Is.All.Matches<ModelEvent>(o => o!.IsSettled || o.Holder == instance), "in order, and one owner per key");
        Assert.That(ofKey.Where(o => o.Position > e.Position), Is.All.Matches<ModelEvent>(o => o!.Holder is null), "no later one is out");
        Assert.That(handover.Attempt, Is.EqualTo(e.Failures + 1));
        if (e.WasDelivered)
            Assert.That(handover.Redelivered, Is.True);
        Assert.That(handover.Delivery, Is.EqualTo(++instance.LastDelivery));
        (e.Holder, e.WasDelivered) = (instance, true);
        instance.Held.Add(handover.Delivery, e);
    }

    private sealed class ModelEvent(long position, string key, string type)
    {
        public long Position { get; } = position;

        public string Key { get; } = key;

        public string Type { get; } = type;

        public bool IsOwed { get; set; }

        public bool IsSettled { get; set; }

        public bool WasDelivered { get; set; }

        public int Failures { get; set; }

        public ModelInstance? Holder { get; set; }

        private bool _savedSettled;
        private int _savedFailures;
        private bool _savedOwed;

        public void Save() => (_savedSettled, _savedFailures, _savedOwed) = (IsSettled, Failures, IsOwed);

        public void Forget() => (IsSettled, Failures, IsOwed, Holder) = (_savedSettled, _savedFailures, _savedOwed, null);

        public EventHeader Header(uint value) => new(Position, Key, value, Type);
    }

    private sealed class ModelInstance(QueueModel model) : IDeliveryOutbox
    {
        public Instance Instance { get; set; } = null!;

        public int Window { get; set; }

        public bool IsGone { get; set; }

        public long LastDelivery { get; set; }

        public SortedDictionary<long, ModelEvent> Held { get; } = [];

        public List<long> Revoked { get; } = [];

        public long[]? ExpectedRevocation { get; set; }

        public void Deliver(Handover handover) => model.CheckDelivery(this, handover);

        public void Revoke(IReadOnlyList<long> deliveries)
        {
            if (IsGone)
                return;
            Assert.That(deliveries, Is.EqualTo(ExpectedRevocation));
            ExpectedRevocation = null;
            foreach (var delivery in deliveries)
            {
                Held[delivery].Holder = null;
                Held.Remove(delivery);
                Revoked.Add(delivery);
            }
        }
    }
}
