using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1: a message that breaks a limit is ignored whole, with an error; and the ends of what a value or a name may be.</summary>
internal sealed class V1LimitTests : WireTest
{
    private static string New(params string[] events) => $$"""{"message_type":"new","events":[{{string.Join(',', events)}}]}""";

    private static readonly TestCaseData[] BeyondLimits =
    [
        new TestCaseData(New(WireClient.EventText("good"), WireClient.EventText(new string('k', 513))), "invalid_message", "$.events[1].consistency.key").SetArgDisplayNames("key"),
        new TestCaseData(New(WireClient.EventText("good"), WireClient.EventText(new string('ü', 257))), "invalid_message", "$.events[1].consistency.key").SetArgDisplayNames("key in bytes"),
        new TestCaseData(New(WireClient.EventText("good"), WireClient.EventText("k", type: new string('t', 257))), "invalid_message", "$.events[1].event_type").SetArgDisplayNames("event type"),
        new TestCaseData(New([.. Enumerable.Repeat("""{"consistency":{"key":"good"},"correlation_id":1,"data":1,"event_type":"t"}""", 10_001)]), "too_many_events", "$.events").SetArgDisplayNames("events"),
        new TestCaseData($$"""{"message_type":"register","client_type":"{{new string('c', 513)}}","event_types":["*"]}""", "invalid_message", "$.client_type").SetArgDisplayNames("client type"),
    ];

    [TestCaseSource(nameof(BeyondLimits))]
    public async Task A_message_that_breaks_a_limit_is_ignored_whole(string text, string code, string path)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync(text);
        var error = await client.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["path"]), Is.EqualTo((code, path)));
        Assert.That((string?)(await client.PublishAsync("good", 0))["status"], Is.EqualTo("success"), "nothing of it was stored");
        Assert.That((await Bus.AskAsync("/admin/client-types")).AsArray(), Is.Empty);
    }

    [Test]
    public async Task What_is_just_within_the_limits_is_taken()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync(New(WireClient.EventText(new string('ü', 256), type: new string('t', 256))));
        Assert.That((string?)(await client.ReceiveAsync("receipt"))["receipts"]![0]!["status"], Is.EqualTo("success"));
        await client.SendAsync(New([.. Enumerable.Repeat("""{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t"}""", 10_000)]));
        Assert.That((await client.ReceiveAsync("receipt"))["receipts"]!.AsArray(), Has.Count.EqualTo(10_000));
        await client.RegisterAsync(new string('c', 512));
    }

    [Test]
    public async Task A_client_type_may_be_empty()
    {
        await using var client = await Bus.ConnectV1Async();
        Assert.That((string?)(await client.RegisterAsync(""))["client_type"], Is.Empty);
        await using var producer = await Bus.ConnectV1Async();
        await producer.PublishAsync("k");
        await client.ReceiveAsync("event");
    }

    [TestCase(""","event_type":"again"}""")]
    [TestCase(""","data":2}""")]
    [TestCase(""","consistency":{"key":"k"}}""")]
    public async Task A_field_of_an_event_given_twice_makes_the_whole_message_ignored(string twice)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync(New(WireClient.EventText("good"), $"{WireClient.EventText("k")[..^1]}{twice}"));
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("invalid_message"));
        Assert.That((string?)(await client.PublishAsync("good", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task A_key_ends_after_its_last_value_and_that_is_inconsistent()
    {
        var store = new InMemoryStore();
        await store.AppendAsync([LastOf("full")], default);
        await using var bus = await BusUnderTest.StartOverAsync(store);
        await using var client = await bus.ConnectV1Async();
        foreach (var value in new object?[] { null, 0, 4294967295, "\"*\"" })
            Assert.That((string?)(await client.PublishAsync("full", value))["status"], Is.EqualTo("inconsistent"), $"{value}");
        Assert.That((string?)(await client.PublishAsync("other", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task Registering_for_another_client_type_takes_a_place_at_the_end_of_its_turns()
    {
        await using var producer = await Bus.ConnectV1Async();
        await using var mover = await Bus.ConnectV1Async();
        await using var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV1Async();
        await mover.RegisterAsync("other");
        await first.RegisterAsync("accounts");
        await second.RegisterAsync("accounts");
        await mover.RegisterAsync("accounts");
        foreach (var (client, key) in new[] { (first, "a"), (second, "b"), (mover, "c"), (first, "d") })
        {
            await producer.PublishAsync(key);
            Assert.That((string?)(await client.ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo(key));
        }
    }

    [Test]
    public async Task Registering_again_takes_a_place_at_the_end_of_the_turns()
    {
        await using var producer = await Bus.ConnectV1Async();
        var clients = new List<WireClient>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await Bus.ConnectV1Async());
            await clients[^1].RegisterAsync("accounts");
        }

        await clients[0].RegisterAsync("accounts");
        foreach (var (number, key) in new[] { (1, "a"), (2, "b"), (0, "c") })
        {
            await producer.PublishAsync(key);
            Assert.That((string?)(await clients[number].ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo(key));
        }
    }

    /// <summary>The event with the last value that a key can have, alone in its log.</summary>
    internal static StoredEvent LastOf(string key) => new()
    {
        Position = 1,
        Key = key,
        Value = uint.MaxValue,
        Previous = 0,
        EventType = "t",
        CorrelationId = 1,
        Data = "1"u8.ToArray(),
        Producer = new Producer(1, "V4(127.0.0.1:1)"),
        TimeMicros = 1,
    };
}
