using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2: limits on values, windows, names and texts.</summary>
internal sealed class V2LimitTests : V2WireTest
{
    private static string Text(int length) => new('x', length);

    private static string Event(string more) => $$"""{"message_type":"new","events":[{{WireClient.EventText("k", more: more)}}]}""";

    private static string Names(int count, string name) => string.Join(',', Enumerable.Repeat($"\"{name}\"", count));

    private static IEnumerable<TestCaseData> Texts()
    {
        yield return Limit("traceparent", 128, n => Event($",\"traceparent\":\"{Text(n)}\""), "$.events[0].traceparent");
        yield return Limit("tracestate", 512, n => Event($",\"tracestate\":\"{Text(n)}\""), "$.events[0].tracestate");
        yield return Limit("content_type", 256, n => Event($",\"content_type\":\"{Text(n)}\""), "$.events[0].content_type");
        yield return Limit("client_type", 512, n => $$"""{"message_type":"register","client_type":"{{Text(n)}}","event_types":[]}""", "$.client_type");
        yield return Limit("instance", 256, n => $$"""{"message_type":"register","client_type":"a","event_types":[],"instance":"{{Text(n)}}"}""", "$.instance");
        yield return Limit("keys", 10_000, n => $$"""{"message_type":"query","request_id":"q","keys":[{{Names(n, "k")}}]}""", "$.keys");
        yield return Limit("keys of sequence", 10_000, n => $$"""{"message_type":"sequence","request_id":"q","keys":[{{Names(n, "k")}}]}""", "$.keys");
        yield return Limit("event_ids", 10_000, n => $$"""{"message_type":"query","request_id":"q","event_ids":[{{Names(n, "01890a5d-ac96-774b-bcce-000000000001")}}]}""", "$.event_ids");
    }

    private static TestCaseData Limit(string what, int most, Func<int, string> message, string path) =>
        new TestCaseData(message(most), message(most + 1), path).SetArgDisplayNames(what);

    [TestCaseSource(nameof(Texts))]
    public async Task A_text_or_list_over_its_limit_is_an_invalid_message_that_names_it(string most, string tooMuch, string path)
    {
        await Client.SendAsync(most);
        Assert.That((string?)(await Client.ReceiveAsync())["message_type"], Is.Not.EqualTo("error"));
        await Client.SendAsync(tooMuch);
        var error = await Client.ReceiveAsync("error");
        Assert.That((string?)error["code"], Is.EqualTo("invalid_message"));
        Assert.That((string?)error["path"], Does.StartWith(path));
        await Client.ReceiveNothingElseAsync();
    }

    [Test]
    public async Task A_key_ends_after_its_last_value()
    {
        var store = new InMemoryStore();
        await store.AppendAsync([V1LimitTests.LastOf("full")], default);
        await using var bus = await BusUnderTest.StartOverAsync(store);
        await using var client = await bus.ConnectV2Async();
        var receipt = await client.PublishAsync("full");
        Assert.That(((string?)receipt["status"], (string?)receipt["reason"]), Is.EqualTo(("rejected", "key_exhausted")));
        await client.SendAsync($$"""{"message_type":"new","atomic":true,"events":[{{WireClient.EventText("full")}},{{WireClient.EventText("other")}}]}""");
        var batch = (await client.ReceiveAsync("receipt"))["receipts"]!.AsArray();
        Assert.That(batch.Select(r => (string?)r!["reason"]), Is.EqualTo(new[] { "key_exhausted", "atomic_batch_failed" }));
        await client.SendAsync("""{"message_type":"sequence","request_id":"s","keys":["full","other"]}""");
        Assert.That((await client.ReceiveAsync("sequences"))["values"]!.ToJsonString(), Is.EqualTo("""{"full":4294967295,"other":null}"""));
    }

    [Test]
    public async Task Without_a_window_of_its_own_an_instance_takes_256_deliveries()
    {
        await using var instance = await Bus.ConnectV2Async();
        await instance.RegisterAsync("accounts");
        await PublishAsync(300, i => $"k{i}");
        await instance.ReceiveDeliveriesAsync(256);
        await instance.ReceiveNothingElseAsync();
        await instance.SendAsync("""{"message_type":"ack","up_to":256}""");
        await instance.ReceiveDeliveriesAsync(44);
    }

    [Test]
    public async Task Without_a_window_of_its_own_an_instance_takes_16_deliveries_of_a_key()
    {
        await using var instance = await Bus.ConnectV2Async();
        await instance.RegisterAsync("accounts");
        await PublishAsync(20, _ => "k");
        await instance.ReceiveDeliveriesAsync(16);
        await instance.ReceiveNothingElseAsync();
        await instance.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        await instance.ReceiveDeliveriesAsync(1);
        await instance.ReceiveNothingElseAsync();
    }

    [TestCase("max_in_flight", 1, true)]
    [TestCase("max_in_flight", 65_536, true)]
    [TestCase("max_in_flight", 0, false)]
    [TestCase("max_in_flight", 65_537, false)]
    [TestCase("max_in_flight_per_key", 65_536, true)]
    [TestCase("max_in_flight_per_key", 0, false)]
    [TestCase("max_in_flight_per_key", 65_537, false)]
    public async Task A_window_is_from_1_to_65536(string window, int size, bool isTaken)
    {
        await Client.SendAsync($$"""{"message_type":"register","client_type":"accounts","event_types":["*"],"{{window}}":{{size}}}""");
        var answer = await Client.ReceiveAsync();
        Assert.That(((string?)answer["message_type"], (string?)answer["path"]), Is.EqualTo(isTaken ? ("registration", null) : ("error", $"$.{window}")));
    }

    [Test]
    public async Task If_every_instance_is_full_a_key_waits()
    {
        await using var first = await Bus.ConnectV2Async();
        await using var second = await Bus.ConnectV2Async();
        await first.RegisterAsync("accounts", more: ",\"max_in_flight\":1");
        await second.RegisterAsync("accounts", more: ",\"max_in_flight\":1");
        await PublishAsync(3, i => $"k{i}");
        await first.ReceiveDeliveriesAsync(1);
        await second.ReceiveDeliveriesAsync(1);
        await first.ReceiveNothingElseAsync();
        await second.ReceiveNothingElseAsync();
        await second.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        Assert.That((string?)(await second.ReceiveDeliveriesAsync(1))[0]["consistency"]!["key"], Is.EqualTo("k2"));
    }

    [Test]
    public async Task The_reason_of_a_nack_is_cut_at_1024_characters()
    {
        await using var instance = await Bus.ConnectV2Async();
        await instance.RegisterAsync("accounts");
        await PublishAsync(1, _ => "k");
        await instance.ReceiveDeliveriesAsync(1);
        await instance.SendAsync($$"""{"message_type":"nack","delivery":1,"dead_letter":true,"reason":"{{Text(1_025)}}"}""");
        await instance.ReceiveAsync("revoked");
        string? reason = null;
        await Eventually.HoldsAsync(
            async () => (reason = (string?)(await Bus.AskAsync("/admin/dead-letters?name=accounts")).AsArray().SingleOrDefault()?["reason"]) is not null,
            "it is a dead letter");
        Assert.That(reason, Is.EqualTo(Text(1_023) + "…"));
    }

    [Test]
    public async Task More_than_256_queries_of_a_session_are_not_begun()
    {
        for (var i = 0; i < 256; i++)
            await Client.SendAsync($$"""{"message_type":"query","request_id":"{{i}}","follow":true,"event_types":["none"]}""");
        await Client.SendAsync("""{"message_type":"query","request_id":"one more","follow":true}""");
        while (true)
        {
            var message = await Client.ReceiveAsync();
            if ((string?)message["message_type"] == "error")
            {
                Assert.That(((string?)message["code"], (string?)message["request_id"]), Is.EqualTo(("rate_limited", "one more")));
                return;
            }
        }
    }

    private async Task PublishAsync(int count, Func<int, string> key)
    {
        await Client.SendAsync($$"""{"message_type":"new","events":[{{string.Join(',', Enumerable.Range(0, count).Select(i => WireClient.EventText(key(i))))}}]}""");
        await Client.ReceiveAsync("receipt");
    }
}
