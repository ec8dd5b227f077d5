using System.Text.Json;
using System.Text.Json.Nodes;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Knows what the bus promised, and looks whether it keeps it.</summary>
internal sealed class Checker(Simulation simulation)
{
    private readonly Dictionary<Guid, PublishedEvent> _asked = [];
    private readonly List<Publish> _atomic = [];
    private readonly Dictionary<Guid, long> _promised = [];
    private readonly HashSet<long> _promisedNumbers = [];
    private readonly List<(Publish Publish, long Position)> _expected = [];
    private readonly HashSet<(string ClientType, long Position)> _acked = [];
    private readonly HashSet<(string ClientType, long Position)> _settled = [];

    public void NoteAsked(Publish publish)
    {
        foreach (var e in publish.Events)
            _asked[e.Id] = e;
        if (publish.IsAtomic && !publish.IsRepeat)
            _atomic.Add(publish);
    }

    public void CheckReceipts(Publish publish, JsonArray entries)
    {
        Assert.That(entries, Has.Count.EqualTo(publish.Events.Count));
        for (var i = 0; i < entries.Count; i++)
            CheckReceipt(publish, publish.Events[i], entries[i]!.AsObject());
        var statuses = entries.Select(e => (string?)e!["status"]).ToArray();
        if (publish.IsAtomic)
            Assert.That(statuses.Distinct().Count() == 1 || !statuses.Contains("success"), "all of an atomic batch or nothing");
        if (publish.Expected is not null && statuses[0] == "success")
            _expected.Add((publish, (long)entries[0]!["position"]!));
    }

    public void CheckOldReceipt(long number)
    {
        Assert.That(simulation.Log().Any(e => Number(e) == number), "a receipt means: on disk");
        _promisedNumbers.Add(number);
    }

    public void NoteAck(Consumer consumer, HeldDelivery held) => _acked.Add((consumer.ClientType, held.Position));

    /// <summary>The bus has surely settled these: nothing but a crash brings them back.</summary>
    public void NoteHeard(Consumer consumer)
    {
        foreach (var position in consumer.Acked)
            _settled.Add((consumer.ClientType, position));
        consumer.Acked.Clear();
    }

    public void NoteCrash() => _settled.Clear();

    public void CheckDelivery(Consumer consumer, HeldDelivery delivery, bool redelivered)
    {
        // What was on its way may have been revoked since: it waited for its reader, or for its body, or its key was just given back.
        var isBehind = consumer.IsBehind || simulation.HadReadFailure || consumer.Held.Values.Any(h => h.Key == delivery.Key && h.IsDoubtful);
        var e = simulation.Log()[(int)delivery.Position - 1];
        Assert.That(e.Key, Is.EqualTo(delivery.Key));
        Assert.That(isBehind || !_settled.Contains((consumer.ClientType, delivery.Position)), $"position {delivery.Position} came back to {consumer.Name} although it was settled");
        Assert.That(isBehind || redelivered || !_acked.Contains((consumer.ClientType, delivery.Position)), "who was had it before is told");
        var held = consumer.Held.Values.Where(h => h.Key == delivery.Key).Select(h => h.Position).ToHashSet();
        Assert.That(held, Is.All.LessThan(delivery.Position), "in order");
        var letters = simulation.DeadLetters(consumer.ClientType);
        foreach (var earlier in simulation.Log().Where(x => x.Key == e.Key && x.Position < e.Position && Simulation.IsOwed(consumer.ClientType, x)))
        {
            Assert.That(
                held.Contains(earlier.Position) || letters.Contains(earlier.Position) || _acked.Contains((consumer.ClientType, earlier.Position)),
                $"position {delivery.Position} came to {consumer.Name} before {earlier.Position} of the same key was settled");
        }

        foreach (var other in simulation.Consumers.Where(c => c != consumer && c.ClientType == consumer.ClientType && c.IsConnected && !isBehind))
            Assert.That(other.Held.Values.Where(h => h.Key == delivery.Key && !h.IsDoubtful), Is.Empty, $"{other.Name} has events of this key");
    }

    /// <summary>At the end, everything healed and quiet.</summary>
    public void CheckEnd()
    {
        var log = simulation.Log();
        CheckLog(log);
        foreach (var (id, position) in _promised)
            Assert.That(log[(int)position - 1].EventId, Is.EqualTo(id), "what was promised is there");
        Assert.That(_promisedNumbers.Except(log.Select(Number)), Is.Empty, "what was promised is there");
        var ids = log.Where(e => e.EventId is not null).Select(e => e.EventId!.Value).ToHashSet();
        foreach (var publish in _atomic)
            Assert.That(publish.Events.Count(e => ids.Contains(e.Id)), Is.EqualTo(0).Or.EqualTo(publish.Events.Count), "an atomic batch is whole or absent");
        foreach (var (publish, position) in _expected)
            Assert.That((long?)log.LastOrDefault(e => e.Key == publish.Expected!.Value.Key && e.Position < position)?.Value, Is.EqualTo(publish.Expected!.Value.Value), "a decision stands on what it read");
        foreach (var clientType in simulation.Consumers.Select(c => c.ClientType).Distinct())
        {
            var letters = simulation.DeadLetters(clientType);
            foreach (var e in log.Where(e => Simulation.IsOwed(clientType, e)))
                Assert.That(letters.Contains(e.Position) || _acked.Contains((clientType, e.Position)), $"position {e.Position} was owed to {clientType} and is lost");
        }

        Assert.That(simulation.Follower.Position, Is.EqualTo(log.Count), "a follower has seen everything");
    }

    private static void CheckLog(IReadOnlyList<StoredEvent> log)
    {
        var values = new Dictionary<string, uint>();
        for (var i = 0; i < log.Count; i++)
        {
            Assert.That(log[i].Position, Is.EqualTo(i + 1), "positions have no gap");
            Assert.That(log[i].Value, Is.EqualTo(values.TryGetValue(log[i].Key, out var last) ? last + 1 : 0), "values have no gap");
            Assert.That(i == 0 || log[i].TimeMicros >= log[i - 1].TimeMicros, "time never runs backwards");
            values[log[i].Key] = log[i].Value;
        }

        Assert.That(log.Where(e => e.EventId is not null).GroupBy(e => e.EventId).Where(g => g.Count() > 1), Is.Empty, "an id is stored once");
    }

    private void CheckReceipt(Publish publish, PublishedEvent e, JsonObject entry)
    {
        var log = simulation.Log();
        switch ((string?)entry["status"])
        {
            case "success" or "duplicate" when entry["position"] is { } at:
                var position = (long)at;
                Assert.That(position, Is.LessThanOrEqualTo(log.Count), "a receipt means: on disk");
                var stored = log[(int)position - 1];
                Assert.That((stored.EventId, stored.Key, (long)stored.Value), Is.EqualTo(((Guid?)e.Id, (string?)entry["key"], (long)entry["value"]!)), "in this place");
                _promised[e.Id] = position;
                break;
            case "inconsistent":
                Assert.That((long)entry["expected"]!, Is.Not.EqualTo(e.Value).And.LessThanOrEqualTo(log.Count(x => x.Key == e.Key)));
                break;
            case "rejected":
                Assert.That(publish.IsAtomic, "only a decision is rejected as a whole");
                break;
        }
    }

    private static long Number(StoredEvent e)
    {
        using var data = JsonDocument.Parse(e.Data);
        return data.RootElement.GetProperty("n").GetInt64();
    }
}
