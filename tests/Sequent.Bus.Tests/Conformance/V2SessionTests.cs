using System.Net.WebSockets;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2, sessions: what both dialects share, and what each sees of the other.</summary>
internal sealed class V2SessionTests : WireTest
{
    [TestCase("""{"message_type":"hello"}""", "unknown_message_type")]
    [TestCase("""{"message_type":"nonsense"}""", "unknown_message_type")]
    [TestCase("""{"message_type":7}""", "invalid_message")]
    [TestCase("""{}""", "invalid_message")]
    [TestCase("""[]""", "invalid_message")]
    [TestCase("""{"message_type":"new"}""", "invalid_message")]
    public async Task Bad_input_is_told_and_the_session_stays_open(string text, string code)
    {
        await using var client = await Bus.ConnectV2Async();
        await client.SendAsync(text);
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo(code));
        await client.ReceiveNothingElseAsync();
    }

    [TestCase("{\"message_type\":\"NAME\"}")]
    [TestCase("{\"message_type\":\"new\",\"atomic\":true,\"expect\":{\"NAME\":\"x\"},\"events\":[]}")]
    public async Task An_error_names_the_fault_and_does_not_send_a_long_name_back(string text)
    {
        await using var client = await Bus.ConnectV2Async();
        await client.SendAsync(text.Replace("NAME", new string('n', 500_000), StringComparison.Ordinal));
        Assert.That((await client.ReceiveAsync("error")).ToJsonString(), Has.Length.LessThan(1_000).And.Contains("nnnn"));
    }

    [TestCase("\"message_type\":\"register\",\"client_type\":\"accounts\",\"event_types\":[]")]
    [TestCase("\"message_type\":\"ack\",\"up_to\":0")]
    [TestCase("\"message_type\":\"unregister\"")]
    [TestCase("\"message_type\":\"query\"")]
    [TestCase("\"message_type\":\"new\",\"events\":[]")]
    public async Task A_request_id_is_a_text_of_at_most_128_characters(string message)
    {
        await using var client = await Bus.ConnectV2Async();
        foreach (var requestId in new[] { "7", "null", $"\"{new string('r', 129)}\"" })
        {
            await client.SendAsync($$"""{{{message}},"request_id":{{requestId}}}""");
            var error = await client.ReceiveAsync("error");
            Assert.That(((string?)error["code"], (string?)error["path"]), Is.EqualTo(("invalid_message", "$.request_id")));
        }

        await client.ReceiveNothingElseAsync();
    }

    [Test]
    public async Task What_v2_adds_is_unknown_on_a_v1_session_and_changes_nothing()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync($$"""{"message_type":"new","request_id":"r","atomic":true,"events":[{{WireClient.EventText("a", 0, more: ",\"event_id\":\"01890a5d-ac96-774b-bcce-000000000001\"")}},{{WireClient.EventText("b", 5)}}]}""");
        var receipt = await client.ReceiveAsync("receipt");
        Assert.That(receipt["receipts"]!.AsArray().Select(r => (string?)r!["status"]), Is.EqualTo(new[] { "success", "inconsistent" }));
        Assert.That(receipt["request_id"], Is.Null);
        Assert.That((string?)(await client.PublishAsync("a", 1, more: ",\"event_id\":\"01890a5d-ac96-774b-bcce-000000000001\""))["status"], Is.EqualTo("success"), "v1 has no event ids");
        foreach (var type in new[] { "sequence", "more", "cancel", "unregister", "extend" })
        {
            await client.SendAsync($$"""{"message_type":"{{type}}","request_id":"r","keys":[],"pages":1,"deliveries":[],"ms":1}""");
            Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("unknown_message_type"));
        }
    }

    [Test]
    public async Task There_are_at_most_1000_client_types()
    {
        await using var client = await Bus.ConnectV2Async();
        for (var i = 0; i < 1_000; i++)
            await client.RegisterAsync($"type{i}", "[]");
        await client.SendAsync("""{"message_type":"register","client_type":"one more","event_types":[]}""");
        var error = await client.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["path"]), Is.EqualTo(("rate_limited", "$.client_type")));
        await client.RegisterAsync("type0", "[]");
    }

    [Test]
    public async Task A_session_that_offers_other_subprotocols_too_gets_ours()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("chat");
        socket.Options.AddSubProtocol("sequent.v2");
        await socket.ConnectAsync(Bus.Address, default);
        Assert.That(socket.SubProtocol, Is.EqualTo("sequent.v2"));
    }
}
