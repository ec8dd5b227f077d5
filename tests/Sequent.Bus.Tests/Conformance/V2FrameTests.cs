using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2: no frame of the bus is longer than 1 MiB.</summary>
internal sealed class V2FrameTests : V2WireTest
{
    private const int MaxFrameBytes = 1024 * 1024;

    private Task<RawClient> ConnectRawAsync() => RawClient.ConnectAsync(Bus.Address, ("Sec-WebSocket-Protocol", "sequent.v2"));

    [Test]
    public async Task Deliveries_are_spread_over_messages_of_at_most_one_MiB_in_small_fragments()
    {
        using var instance = await ConnectRawAsync();
        for (var i = 0; i < 8; i++)
            await Client.PublishAsync($"k{i}", data: $"\"{new string('x', 300_000)}\"");
        await instance.SendTextAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"],"start":"earliest"}""");
        await instance.ReadUntilAsync("registration");
        var (deliveries, messages) = (0, 0);
        for (; deliveries < 8; messages++)
        {
            var message = (await instance.ReceiveMessageAsync()).Select(f => f.Payload).ToArray();
            Assert.That(message.Sum(fragment => fragment.Length), Is.LessThanOrEqualTo(MaxFrameBytes));
            Assert.That(message, Is.All.Length.LessThan(MaxFrameBytes / 2), "a fragment ends with the event that fills it");
            deliveries += JsonNode.Parse(message.SelectMany(fragment => fragment).ToArray())!["events"]!.AsArray().Count;
        }

        Assert.That(messages, Is.InRange(3, 7), "several in one message, but not all");
    }

    [Test]
    public async Task An_event_as_large_as_a_message_may_be_is_delivered()
    {
        using var instance = await ConnectRawAsync();
        await instance.SendTextAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"]}""");
        await instance.ReadUntilAsync("registration");
        await Client.PublishAsync("k", data: $"\"{new string('x', MaxFrameBytes - 200)}\"");
        var frames = await instance.ReceiveMessageAsync();
        Assert.That(frames.Sum(f => f.Payload.Length), Is.GreaterThan(MaxFrameBytes - 200));
    }

    [Test]
    public async Task An_answer_that_is_longer_comes_in_fragments()
    {
        using var client = await ConnectRawAsync();
        await client.ReceiveAsync(); // hello
        var keys = Enumerable.Range(0, 10_000).Select(i => $"{i:d5}{new string('k', 96)}").ToArray();
        await client.SendTextAsync($$"""{"message_type":"sequence","request_id":"s","keys":["{{string.Join("\",\"", keys)}}"]}""");
        var frames = await client.ReceiveMessageAsync();
        Assert.That(frames, Has.Count.GreaterThan(1));
        Assert.That(frames.Select(f => f.Payload.Length), Is.All.LessThanOrEqualTo(MaxFrameBytes));
        Assert.That(frames.Select(f => f.Opcode), Is.EqualTo(frames.Select((_, i) => i == 0 ? Opcode.Text : Opcode.Continuation)));
        var answer = JsonNode.Parse(frames.SelectMany(f => f.Payload).ToArray())!;
        Assert.That(answer["values"]!.AsObject().Select(v => v.Key), Is.EquivalentTo(keys));
    }
}
