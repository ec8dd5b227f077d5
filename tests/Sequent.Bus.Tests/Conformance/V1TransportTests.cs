using System.Net.WebSockets;
using System.Text;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, sections 1 and 8: frames, and how connections end.</summary>
internal sealed class V1TransportTests : WireTest
{
    private const string Register = """{"message_type":"register","client_type":"accounts","event_types":["*"]}""";

    [Test]
    public async Task A_ping_is_answered_by_a_pong_with_the_same_payload()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Ping, "are you there"u8.ToArray());
        var pong = await client.ReceiveAsync();
        Assert.That((pong.Opcode, pong.Text), Is.EqualTo((Opcode.Pong, "are you there")));
    }

    [Test]
    public async Task A_pong_is_ignored()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Pong, "nobody asked"u8.ToArray());
        await client.SendTextAsync(Register);
        Assert.That((await client.ReceiveAsync()).Text, Does.Contain("registration"));
    }

    [Test]
    public async Task A_message_in_fragments_with_control_frames_in_between_is_read()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        var text = Encoding.UTF8.GetBytes(Register);
        await client.SendAsync(Opcode.Text, text[..10], isFinal: false);
        await client.SendAsync(Opcode.Ping, "1"u8.ToArray());
        await client.SendAsync(Opcode.Continuation, text[10..40], isFinal: false);
        await client.SendAsync(Opcode.Pong, []);
        await client.SendAsync(Opcode.Continuation, [], isFinal: false);
        await client.SendAsync(Opcode.Continuation, text[40..]);
        Assert.That((await client.ReceiveAsync()).Opcode, Is.EqualTo(Opcode.Pong));
        Assert.That((await client.ReceiveAsync()).Text, Does.Contain("registration"));
    }

    [Test]
    public async Task An_empty_message_is_bad_input_like_any_other([Values] bool inFragments)
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Text, [], isFinal: !inFragments);
        if (inFragments)
            await client.SendAsync(Opcode.Continuation, []);
        Assert.That((await client.ReceiveAsync()).Text, Does.Contain("malformed_json"));
        await client.SendTextAsync(Register);
        Assert.That((await client.ReceiveAsync()).Text, Does.Contain("registration"));
    }

    [Test]
    public async Task The_bus_sends_text_frames()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Binary, Encoding.UTF8.GetBytes(Register));
        var answer = await client.ReceiveAsync();
        Assert.That((answer.Opcode, answer.IsFinal), Is.EqualTo((Opcode.Text, true)));
    }

    [Test]
    public async Task A_rebuild_of_any_size_is_one_message()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await using var producer = await Bus.ConnectV1Async();
        for (var i = 0; i < 40; i++)
            await producer.PublishAsync("k", data: $"\"{new string('x', 60_000)}\"");
        await client.SendTextAsync("""{"message_type":"query","event_types":["deposit"],"since":"*"}""");
        var (bytes, frames, frame) = (0, 0, await client.ReceiveAsync());
        for (; ; frame = await client.ReceiveAsync(), frames++)
        {
            Assert.That(frame.Opcode, Is.EqualTo(frames == 0 ? Opcode.Text : Opcode.Continuation));
            bytes += frame.Payload.Length;
            if (frame.IsFinal)
                break;
        }

        Assert.That(bytes, Is.GreaterThan(40 * 60_000));
        Assert.That(frames, Is.Positive, "in fragments, so that the bus holds only a part of it");
    }

    [Test]
    public async Task Invalid_utf8_in_a_text_frame_ends_only_this_connection()
    {
        await using var other = await Bus.ConnectV1Async();
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Text, [0x22, 0xff, 0x22]);
        await client.ReadToEndAsync();
        Assert.That((string?)(await other.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [TestCase(3, Description = "a reserved opcode")]
    [TestCase(0, Description = "a continuation of nothing")]
    public async Task A_framing_error_ends_only_this_connection(int opcode)
    {
        await using var other = await Bus.ConnectV1Async();
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync((Opcode)opcode, "x"u8.ToArray());
        await client.ReadToEndAsync();
        Assert.That((string?)(await other.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [TestCase("close")]
    [TestCase("end")]
    [TestCase("reset")]
    public async Task However_a_connection_ends_its_unacked_events_move_on_in_order(string end)
    {
        using var first = await RawClient.ConnectAsync(Bus.Address);
        await first.SendTextAsync(Register);
        await first.ReceiveAsync();
        await using var producer = await Bus.ConnectV2Async();
        for (var i = 0; i < 6; i++)
            await producer.PublishAsync("k", data: $"{i}");
        await first.ReadUntilAsync("\"data\":5");
        await using var second = await Bus.ConnectV1Async();
        await second.RegisterAsync("accounts");

        if (end == "close")
            await first.SendAsync(Opcode.Close, [0x03, 0xe8]);
        else if (end == "end")
            first.ShutDownSending();
        else
            first.Reset();
        for (var i = 0; i < 6; i++)
            Assert.That((int)(await second.ReceiveAsync("event"))["data"]!, Is.EqualTo(i));
    }

    [Test]
    public async Task A_close_frame_is_answered_as_the_standard_says()
    {
        using var client = await RawClient.ConnectAsync(Bus.Address);
        await client.SendAsync(Opcode.Close, [0x03, 0xe8]);
        Assert.That((await client.ReceiveAsync()).Opcode, Is.EqualTo(Opcode.Close));
        await client.ReadToEndAsync();
    }

    [Test]
    public async Task Binary_and_fragmented_messages_are_read()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync("""{"client_type":"a","event_ty"""u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: false);
        await client.SendAsync("""pes":[],"message_type":"register"}"""u8.ToArray(), WebSocketMessageType.Binary);
        await client.ReceiveAsync("registration");
    }

    [Test]
    public async Task Invalid_utf8_in_a_binary_message_is_ignored()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync([.. """{"client_type":"a"""u8, 0xff, .. "\",\"event_types\":[],\"message_type\":\"register\"}"u8], WebSocketMessageType.Binary);
        await client.ReceiveAsync("error");
    }

    [Test]
    public async Task Any_path_is_served_without_a_subprotocol()
    {
        await using var client = await WireClient.ConnectAsync(new Uri(Bus.Address, "/any/where"), ProtocolVersion.V1);
        Assert.That(client.Subprotocol, Is.Null);
        await client.RegisterAsync("a");
    }

    [Test]
    public void A_page_of_a_stranger_may_not_connect() =>
        Assert.That(
            async () => await WireClient.ConnectAsync(Bus.Address, ProtocolVersion.V1, "http://evil.example"),
            Throws.InstanceOf<WebSocketException>().With.Message.Contains("403"));

    [Test]
    public async Task The_buses_own_origin_may_connect()
    {
        await using var client = await WireClient.ConnectAsync(Bus.Address, ProtocolVersion.V1, $"http://{Bus.Address.Authority}");
        await client.RegisterAsync("a");
    }

    [Test]
    public async Task Acks_right_before_the_end_of_tcp_count([Values(10, 100, 400)] int count)
    {
        await using var producer = await Bus.ConnectV2Async();
        using var first = await RawClient.ConnectAsync(Bus.Address);
        await first.SendTextAsync(Register);
        await first.ReadUntilAsync("registration");
        for (var i = 0; i < count; i++)
            await producer.PublishAsync($"k{i}");
        await first.ReadUntilAsync($"\"key\":\"k{count - 1}\"");
        for (var i = 0; i < count; i++)
            await first.SendTextAsync($$$"""{"message_type":"ack","consistency":{"key":"k{{{i}}}","value":0}}""");
        first.ShutDownSending();
        await first.ReadToEndAsync();

        await using var second = await Bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("last", type: "end");
        Assert.That((string?)(await second.ReceiveDeliveriesAsync(1))[0]["event_type"], Is.EqualTo("end"), "nothing acked comes again");
    }
}
