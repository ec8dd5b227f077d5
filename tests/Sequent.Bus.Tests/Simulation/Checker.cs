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

    /// <summary>The power failed, and what was at the end of the log is gone; the bus said that it might be.</summary>
    public void NotePowerFailure()
    {
        var log = simulation.Log();
        foreach (var (id, _) in _promised.Where(p => p.Value > log.Count).ToArray())
            _promised.Remove(id);
        _promisedNumbers.IntersectWith(log.Select(Number));
        _expected.RemoveAll(e => e.Position > log.Count);
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
