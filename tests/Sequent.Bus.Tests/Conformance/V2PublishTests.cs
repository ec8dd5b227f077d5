using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>What v2 adds to publishing.</summary>
internal sealed class V2PublishTests : V2WireTest
{
    private static string Id(int n) => $"01890a5d-ac96-774b-bcce-{n:x12}";

    private static string WithId(int n) => $",\"event_id\":\"{Id(n)}\"";

    private async Task<JsonObject> NewAsync(string rest)
    {
        await Client.SendAsync($$"""{"message_type":"new",{{rest}}}""");
        return await Client.ReceiveAsync("receipt");
    }

    [Test]
    public void Hello_is_first_and_tells_the_log_and_the_limits()
    {
        Assert.That(Client.Subprotocol, Is.EqualTo("sequent.v2"));
        Assert.That((string?)Client.Hello["log_id"], Is.Not.Empty);
        Assert.That((string?)Client.Hello["session_id"], Does.Match(@"^\d+$"));
        Assert.That((long)Client.Hello["position"]!, Is.Zero);
        Assert.That((int)Client.Hello["limits"]!["message_bytes"]!, Is.EqualTo(1024 * 1024));
    }

    [Test]
    public async Task A_receipt_tells_key_value_position_and_id_but_no_checksum()
    {
        var receipt = await NewAsync($"\"request_id\":\"r1\",\"events\":[{WireClient.EventText("k", more: WithId(1))}]");
        Assert.That((string?)receipt["request_id"], Is.EqualTo("r1"));
        Assert.That(receipt["receipts"]![0]!.ToJsonString(), Is.EqualTo($$"""{"status":"success","key":"k","value":0,"position":1,"event_id":"{{Id(1)}}"}"""));
    }

    [Test]
    public async Task A_conflict_tells_the_value_due()
    {
        await Client.PublishAsync("k");
        var entry = await Client.PublishAsync("k", 5);
        Assert.That((string?)entry["status"], Is.EqualTo("inconsistent"));
        Assert.That((int)entry["expected"]!, Is.EqualTo(1));
    }

    [Test]
    public async Task An_event_id_is_stored_once_whatever_the_key_or_value()
    {
        await Client.PublishAsync("k", 0, more: WithId(1));
        var entry = await Client.PublishAsync("other", 9, type: "withdrawal", more: WithId(1).ToUpperInvariant().Replace("EVENT_ID", "event_id", StringComparison.Ordinal));
        Assert.That((string?)entry["status"], Is.EqualTo("duplicate"));
        Assert.That((string?)entry["key"], Is.EqualTo("k"));
        Assert.That((int)entry["value"]!, Is.Zero);
        Assert.That((long)entry["position"]!, Is.EqualTo(1));
        Assert.That((string?)entry["event_type"], Is.EqualTo("deposit"));
        Assert.That((string?)entry["event_id"], Is.EqualTo(Id(1)));
    }

    [Test]
    public async Task An_atomic_batch_is_stored_whole_or_not_at_all()
    {
        var failed = await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("a", 0)},{WireClient.EventText("b", 3)},{WireClient.EventText("c", 0)}]");
        Assert.That(failed["receipts"]!.AsArray().Select(r => (string?)r!["status"]), Is.EqualTo(new[] { "rejected", "inconsistent", "rejected" }));
        Assert.That((string?)failed["receipts"]![0]!["reason"], Is.EqualTo("atomic_batch_failed"));
        Assert.That((int)failed["receipts"]![1]!["expected"]!, Is.Zero);

        var stored = await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("a", 0)},{WireClient.EventText("a")},{WireClient.EventText("b", 0)}]");
        Assert.That(stored["receipts"]!.AsArray().Select(r => (long)r!["position"]!), Is.EqualTo(new[] { 1, 2, 3 }));
    }

    [Test]
    public async Task A_failed_expectation_rejects_the_batch_and_tells_what_moved()
    {
        await Client.PublishAsync("read");
        var failed = await NewAsync($"\"atomic\":true,\"expect\":{{\"read\":null,\"none\":null}},\"events\":[{WireClient.EventText("w", 0)}]");
        Assert.That(failed["receipts"]![0]!.ToJsonString(), Is.EqualTo("""{"status":"rejected","key":"w","value":0,"reason":"expect_failed","expect":{"read":0}}"""));
        var stored = await NewAsync($"\"atomic\":true,\"expect\":{{\"read\":0,\"none\":null}},\"events\":[{WireClient.EventText("w", 0)}]");
        Assert.That((string?)stored["receipts"]![0]!["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task What_moved_is_told_once_however_many_events_a_batch_has()
    {
        await Client.PublishAsync("read");
        var failed = await NewAsync($"\"atomic\":true,\"expect\":{{\"read\":null}},\"events\":[{WireClient.EventText("a")},{WireClient.EventText("b")}]");
        Assert.That(failed["receipts"]!.AsArray().Select(r => (string?)r!["reason"]), Is.All.EqualTo("expect_failed"));
        Assert.That(failed["receipts"]!.AsArray().Select(r => r!["expect"]?.ToJsonString()), Is.EqualTo(new[] { """{"read":0}""", null }));
    }

    [Test]
    public async Task A_batch_is_named_by_its_first_id()
    {
        await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("a", more: WithId(1))},{WireClient.EventText("b", more: WithId(2))}]");
        var again = await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("x", more: WithId(1))},{WireClient.EventText("y", more: WithId(3))}]");
        Assert.That(again["receipts"]!.AsArray().Select(r => (string?)r!["status"]), Is.All.EqualTo("duplicate"));
        Assert.That((long?)again["receipts"]![0]!["position"], Is.EqualTo(1));
        Assert.That(again["receipts"]![1]!["position"], Is.Null, "an id that is not stored has no place");

        var conflict = await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("x", more: WithId(4))},{WireClient.EventText("y", more: WithId(2))}]");
        Assert.That(conflict["receipts"]!.AsArray().Select(r => (string?)r!["reason"]), Is.EqualTo(new[] { "atomic_batch_failed", "event_id_conflict" }));
        Assert.That((string?)(await Client.PublishAsync("x", 0))["status"], Is.EqualTo("success"), "nothing was stored");
    }

    [Test]
    public async Task An_id_that_comes_twice_fails_an_atomic_batch_and_is_a_duplicate_elsewhere()
    {
        var atomic = await NewAsync($"\"atomic\":true,\"events\":[{WireClient.EventText("a", more: WithId(1))},{WireClient.EventText("b", more: WithId(1))}]");
        Assert.That((string?)atomic["receipts"]![1]!["reason"], Is.EqualTo("event_id_conflict"));
        var plain = await NewAsync($"\"events\":[{WireClient.EventText("a", more: WithId(1))},{WireClient.EventText("b", more: WithId(1))}]");
        Assert.That(plain["receipts"]!.AsArray().Select(r => (string?)r!["status"]), Is.EqualTo(new[] { "success", "duplicate" }));
    }

    [TestCase("""{"message_type":"new","request_id":"q","expect":{"a":0},"events":[{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t"}]}""", "$.expect")]
    [TestCase("""{"message_type":"new","request_id":"q","atomic":true,"expect":{"k":0},"events":[{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t"}]}""", "$.expect")]
    [TestCase("""{"message_type":"new","request_id":"q","events":[{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t","event_id":"no"}]}""", "$.events[0].event_id")]
    [TestCase("""{"message_type":"new","request_id":"q","atomic":1,"events":[]}""", "$.atomic")]
    [TestCase("""{"message_type":"query","request_id":"q","follow":true,"limit":3}""", "$.limit")]
    public async Task An_invalid_message_is_answered_with_its_request_id_and_the_path_of_the_fault(string text, string path)
    {
        await Client.SendAsync(text);
        var error = await Client.ReceiveAsync("error");
        Assert.That((string?)error["code"], Is.EqualTo("invalid_message"));
        Assert.That((string?)error["request_id"], Is.EqualTo("q"));
        Assert.That((string?)error["path"], Is.EqualTo(path));
    }

    [Test]
    public async Task A_message_over_the_limit_closes_with_1009()
    {
        await Client.SendAsync(new string(' ', 1_100_000));
        Assert.That((string?)(await Client.ReceiveAsync("error"))["code"], Is.EqualTo("message_too_large"));
        Assert.That(await Client.ReceiveCloseAsync(), Is.EqualTo(System.Net.WebSockets.WebSocketCloseStatus.MessageTooBig));
    }

    [Test]
    public async Task Receipts_come_in_the_order_of_the_messages_and_before_the_senders_own_copy()
    {
        await Client.RegisterAsync("self");
        for (var i = 0; i < 50; i++)
            await Client.SendAsync($$"""{"message_type":"new","request_id":"{{i}}","events":[{{WireClient.EventText($"k{i}")}}]}""");
        var (receipts, delivered) = (0, 0);
        while (delivered < 50)
        {
            var message = await Client.ReceiveAsync();
            if ((string?)message["message_type"] == "receipt")
                Assert.That((string?)message["request_id"], Is.EqualTo($"{receipts++}"));
            else
                delivered += message["events"]!.AsArray().Count;
            Assert.That(delivered, Is.LessThanOrEqualTo(receipts));
        }
    }

    [Test]
    public async Task Sequence_tells_last_values_as_one_snapshot()
    {
        await Client.PublishAsync("a");
        await Client.PublishAsync("a");
        await Client.SendAsync("""{"message_type":"sequence","request_id":"s","keys":["a","none"]}""");
        Assert.That((await Client.ReceiveAsync("sequences"))["values"]!.ToJsonString(), Is.EqualTo("""{"a":1,"none":null}"""));
    }

    [Test]
    public async Task Limits_on_counts_and_lengths_are_told()
    {
        await Client.SendAsync($$"""{"message_type":"new","request_id":"r","events":[{{WireClient.EventText(new string('k', 513))}}]}""");
        Assert.That((string?)(await Client.ReceiveAsync("error"))["path"], Is.EqualTo("$.events[0].consistency.key"));
        await Client.SendAsync($$"""{"message_type":"new","request_id":"r","events":[{{string.Join(',', Enumerable.Repeat("""{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t"}""", 10_001))}}]}""");
        Assert.That((string?)(await Client.ReceiveAsync("error"))["code"], Is.EqualTo("too_many_events"));
    }
}
