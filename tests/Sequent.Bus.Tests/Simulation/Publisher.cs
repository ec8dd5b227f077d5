using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Publishes under ids, and asks again under the same ids until it knows.</summary>
internal sealed class Publisher(Simulation simulation, string name) : SimulatedClient(simulation, name, ProtocolVersion.V2)
{
    private const int MaxOpen = 8;

    private readonly List<Publish> _open = [];
    private readonly Dictionary<string, long> _known = [];
    private readonly List<Publish> _done = [];

    public bool IsDone => _open.Count == 0;

    protected override void Greet()
    {
        foreach (var publish in _open)
            Ask(publish);
    }

    protected override void Act(bool heal)
    {
        foreach (var publish in _open.Where(p => p.IsRefused))
            Ask(publish);
        if (heal || _open.Count >= MaxOpen)
            return;
        var random = Simulation.Random;
        if (_done.Count > 0 && random.Next(20) == 0)
            Open(_done[random.Next(_done.Count)] with { RequestId = $"{Name}-{Simulation.NextNumber()}", IsRepeat = true });
        else
            Open(NewPublish(random));
    }

    protected override void Receive(JsonObject message)
    {
        if ((string?)message["request_id"] is not { } id || _open.Find(p => p.RequestId == id) is not { } publish)
            return;
        if ((string?)message["message_type"] == "error")
        {
            Assert.That((string?)message["code"], Is.EqualTo("store_unavailable").Or.EqualTo("shutting_down"));
            publish.IsRefused = true;
            return;
        }

        _open.Remove(publish);
        _done.Add(publish);
        Simulation.Checker.CheckReceipts(publish, message["receipts"]!.AsArray());
        foreach (var entry in message["receipts"]!.AsArray())
        {
            var last = (string?)entry!["status"] == "inconsistent" ? (long?)entry["expected"] - 1 : (long?)entry["value"];
            if ((string?)entry["key"] is { } key && last is >= 0 and { } value)
                _known[key] = Math.Max(value, _known.GetValueOrDefault(key, -1));
        }
    }

    private void Open(Publish publish)
    {
        Simulation.Checker.NoteAsked(publish);
        _open.Add(publish);
        Ask(publish);
    }

    private void Ask(Publish publish)
    {
        publish.IsRefused = false;
        Send(publish.Text);
    }

    private Publish NewPublish(Random random)
    {
        var isAtomic = random.Next(3) == 0;
        var keys = Enumerable.Range(0, 6).Select(i => $"k{i}").OrderBy(_ => random.Next()).ToArray();
        var events = Enumerable.Range(0, random.Next(1, 4)).Select(i => NewEvent(random, keys[i])).ToArray();
        (string Key, long? Value)? expected = isAtomic && random.Next(2) == 0 ? (keys[5], _known.TryGetValue(keys[5], out var known) ? known : null) : null;
        return new Publish($"{Name}-{Simulation.NextNumber()}", isAtomic, events, expected);
    }

    private PublishedEvent NewEvent(Random random, string key)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        long? value = random.Next(3) == 0 ? Math.Max(0, _known.GetValueOrDefault(key, -1) + 1 + (random.Next(8) == 0 ? random.Next(-1, 2) : 0)) : null;
        return new PublishedEvent(new Guid(bytes), key, value, random.Next(2) == 0 ? "a" : "b", Simulation.NextNumber());
    }
}

/// <summary>An event somebody asked the bus to take.</summary>
internal sealed record PublishedEvent(Guid Id, string Key, long? Value, string Type, long Number)
{
    public string Text =>
        $$$"""{"consistency":{"key":"{{{Key}}}"{{{(Value is { } value ? $",\"value\":{value}" : "")}}}},"correlation_id":1,"event_type":"{{{Type}}}","event_id":"{{{Id}}}","data":{"n":{{{Number}}}}}""";
}

/// <summary>A request to take events.</summary>
internal sealed record Publish(string RequestId, bool IsAtomic, IReadOnlyList<PublishedEvent> Events, (string Key, long? Value)? Expected)
{
    public bool IsRefused { get; set; }

    public bool IsRepeat { get; init; }

    public string Text
    {
        get
        {
            var expect = Expected is { } e ? $",\"expect\":{{\"{e.Key}\":{(e.Value is { } value ? value : "null")}}}" : "";
            return $$"""{"message_type":"new","request_id":"{{RequestId}}","atomic":{{(IsAtomic ? "true" : "false")}}{{expect}},"events":[{{string.Join(',', Events.Select(x => x.Text))}}]}""";
        }
    }
}
