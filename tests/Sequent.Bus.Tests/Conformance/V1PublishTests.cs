using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, sections 4 and 5: new, receipt, event.</summary>
internal sealed class V1PublishTests : WireTest
{
    [Test]
    public async Task A_receipt_has_a_checksum_and_a_status_per_event_and_nothing_else()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k", 0, data: """{"b":1,"a":2}""")}},{{WireClient.EventText("k", 5)}}],"message_type":"new"}""");
        var receipt = await client.ReceiveAsync("receipt");
        var entries = receipt["receipts"]!.AsArray();
        Assert.That(entries[0]!.ToJsonString(), Is.EqualTo($$"""{"checksum":"{{Checksum.Compute("""{"a":2,"b":1}"""u8)}}","status":"success"}"""));
        Assert.That((string?)entries[1]!["status"], Is.EqualTo("inconsistent"));
        Assert.That((string?)receipt["sender"], Does.Match(@"^V4\(127\.0\.0\.1:\d+\)$"));
        Assert.That((string?)receipt["timestamp"], Does.Match(@"^\w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$"));
    }

    [Test]
    public async Task An_event_carries_the_nine_fields_in_order_with_canonical_data()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("accounts");
        await client.PublishAsync("acc-234", "\"*\"", data: """{ "b" : 50.00, "a":"x" }""");
        var text = await client.ReceiveTextAsync();
        var e = JsonNode.Parse(text)!.AsObject();
        Assert.That(e.Select(p => p.Key), Is.EqualTo(new[] { "consistency", "correlation_id", "data", "event_type", "message_type", "sender", "session_id", "timestamp", "timestamp_raw" }));
        Assert.That(text, Does.Contain("""{"consistency":{"key":"acc-234","value":0},"correlation_id":7,"data":{"a":"x","b":50.0},"event_type":"deposit","message_type":"event","sender":"V4("""));
        Assert.That(text, Does.Match("\"session_id\":\\d+,"));
    }

    [TestCase("0", ExpectedResult = "success")]
    [TestCase("\"0\"", ExpectedResult = "success")]
    [TestCase("\"+0\"", ExpectedResult = "success")]
    [TestCase("\"00\"", ExpectedResult = "success")]
    [TestCase("\"*\"", ExpectedResult = "success")]
    [TestCase(null, ExpectedResult = "success")]
    [TestCase("1", ExpectedResult = "inconsistent")]
    public async Task<string?> A_first_value_is_taken_in_these_forms(string? value)
    {
        await using var client = await Bus.ConnectV1Async();
        return (string?)(await client.PublishAsync("k", value))["status"];
    }

    [TestCase("0", true)]
    [TestCase("4294967295", true)]
    [TestCase("4294967296", false)]
    [TestCase("-1", false)]
    [TestCase("1.0", false)]
    [TestCase("1e0", false)]
    [TestCase("\"7\"", false)]
    [TestCase("null", false)]
    public async Task A_correlation_id_is_a_number_of_32_bits(string correlationId, bool isTaken)
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$$"""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":{{{correlationId}}},"data":1,"event_type":"t"}]}""");
        await client.ReceiveAsync(isTaken ? "receipt" : "error");
    }

    [Test]
    public async Task Data_may_be_null_but_not_absent()
    {
        await using var client = await Bus.ConnectV1Async();
        Assert.That((string?)(await client.PublishAsync("k", 0, data: "null"))["status"], Is.EqualTo("success"));
        await client.SendAsync("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":1,"event_type":"t"}]}""");
        await client.ReceiveAsync("error");
    }

    [Test]
    public async Task No_events_get_a_receipt_without_entries()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync("""{"message_type":"new","events":[]}""");
        Assert.That((await client.ReceiveAsync("receipt"))["receipts"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task A_batch_is_judged_one_by_one_against_the_current_state()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"message_type":"new","events":[{{string.Join(',', new object[] { 0, 0, 1, "\"*\"", 3, 9, 4 }.Select(value => WireClient.EventText("k", value)))}}]}""");
        Assert.That(
            (await client.ReceiveAsync("receipt"))["receipts"]!.AsArray().Select(r => (string?)r!["status"]),
            Is.EqualTo(new[] { "success", "inconsistent", "success", "success", "success", "inconsistent", "success" }));
    }

    [Test]
    public async Task A_key_is_one_over_all_event_types_senders_and_connections()
    {
        await using var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV1Async();
        await first.PublishAsync("k", 0, type: "deposit");
        Assert.That((string?)(await second.PublishAsync("k", 0, type: "withdrawal"))["status"], Is.EqualTo("inconsistent"));
        Assert.That((string?)(await second.PublishAsync("k", 1, type: "withdrawal"))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task A_key_and_a_type_may_be_empty()
    {
        await using var client = await Bus.ConnectV1Async();
        Assert.That((string?)(await client.PublishAsync("", 0, type: ""))["status"], Is.EqualTo("success"));
        Assert.That((string?)(await client.PublishAsync("", 1, type: ""))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task The_events_of_a_batch_share_their_timestamp_and_the_session_of_their_sender()
    {
        await using var consumer = await Bus.ConnectV1Async();
        await consumer.RegisterAsync("a");
        await using var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV1Async();
        await first.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k")}},{{WireClient.EventText("l")}}]}""");
        var (a, b) = (await consumer.ReceiveAsync("event"), await consumer.ReceiveAsync("event"));
        await second.PublishAsync("m");
        var c = await consumer.ReceiveAsync("event");
        foreach (var field in new[] { "timestamp", "timestamp_raw", "sender", "session_id" })
            Assert.That(b[field]!.ToJsonString(), Is.EqualTo(a[field]!.ToJsonString()), field);
        Assert.That((ulong)c["session_id"]!, Is.Not.EqualTo((ulong)a["session_id"]!));
        Assert.That((string?)c["sender"], Is.Not.EqualTo((string?)a["sender"]));
    }

    [Test]
    public async Task The_receipt_comes_before_the_senders_own_copy()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("a");
        for (var i = 0; i < 20; i++)
        {
            await client.PublishAsync("k"); // its next message must be the receipt
            await client.ReceiveAsync("event");
        }
    }
}
