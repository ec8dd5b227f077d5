using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Both protocols: what is answered while the bus stops.</summary>
internal sealed class StoppingTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1)); // its limits never pass

    [Test]
    public async Task What_is_sent_while_the_bus_stops_is_refused_and_receipts_under_way_still_come([Values] ProtocolVersion version)
    {
        var memory = new InMemoryStore();
        var held = new TaskCompletionSource();
        var store = new FaultyStore(memory) { BeforeAppending = () => held.Task };
        await using var bus = await BusUnderTest.StartOverAsync((store, memory), null, _time);
        await using var client = version == ProtocolVersion.V1 ? await bus.ConnectV1Async() : await bus.ConnectV2Async();
        await client.SendAsync($$"""{"message_type":"new","request_id":"under way","events":[{{WireClient.EventText("k")}}]}""");
        await Eventually.HoldsAsync(() => store.Appends == 1, "it is being stored");
        var stopping = bus.CloseSessionsAsync();
        if (version == ProtocolVersion.V2)
            await client.ReceiveAsync("draining");
        await Eventually.HoldsAsync(async () => await AnswerAsync(client, """{"message_type":"register","client_type":"a","event_types":[]}""") == ErrorCodes.ShuttingDown, "it is refused to register");
        Assert.That(await AnswerAsync(client, $$"""{"message_type":"new","events":[{{WireClient.EventText("late")}}]}"""), Is.EqualTo(ErrorCodes.ShuttingDown));
        held.SetResult();
        Assert.That((string?)(await client.ReceiveAsync("receipt"))["receipts"]![0]!["status"], Is.EqualTo("success"));
        Assert.That(await client.TryReceiveAsync(), Is.Null, "the receipt is the last thing it says");
        client.Abort();
        await stopping;
        Assert.That((await memory.OpenAsync(default)).Position, Is.EqualTo(1), "what was refused is not stored");
    }

    [Test]
    public async Task While_it_stops_no_session_is_taken_and_what_is_held_may_still_be_acked()
    {
        await using var bus = await BusUnderTest.StartAsync(null, _time);
        await using var instance = await bus.ConnectV2Async();
        await instance.RegisterAsync("accounts");
        await using var producer = await bus.ConnectV2Async();
        await producer.PublishAsync("k");
        await instance.ReceiveDeliveriesAsync(1);
        var stopping = bus.CloseSessionsAsync();
        await instance.ReceiveAsync("draining");
        using (var late = await RawClient.ConnectAsync(bus.Address))
            Assert.That(late.AnswerLines[0], Does.Contain("503"));
        using (var ready = await bus.Http.GetAsync(new Uri("/health/ready", UriKind.Relative)))
            Assert.That((ready.StatusCode, await ready.Content.ReadAsStringAsync()), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "The bus is starting or stopping.\n")));
        Assert.That(stopping.IsCompleted, Is.False, "something is in flight");
        await instance.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        Assert.That(await instance.ReceiveCloseAsync(), Is.EqualTo(WebSocketCloseStatus.EndpointUnavailable));
        instance.Abort();
        producer.Abort();
        await stopping;
    }

    /// <summary>The code of an error, or the type of another answer.</summary>
    private static async Task<string?> AnswerAsync(WireClient client, string text)
    {
        await client.SendAsync(text);
        var answer = await client.ReceiveAsync();
        return (string?)(answer["code"] ?? answer["message_type"]);
    }
}
