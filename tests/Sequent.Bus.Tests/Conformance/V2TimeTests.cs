using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2: what happens as time goes by: how long a key stays with an instance, and how a follow moves on.</summary>
internal sealed class V2TimeTests
{
    [Test]
    public async Task A_key_with_nothing_unacked_gives_up_its_instance_after_a_while()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var bus = await BusUnderTest.StartAsync(o => o.StickyIdle = TimeSpan.FromMinutes(5), time);
        await using var producer = await bus.ConnectV2Async();
        await using var first = await bus.ConnectV2Async();
        await first.RegisterAsync("accounts");
        await producer.PublishAsync("k");
        await first.ReceiveDeliveriesAsync(1);
        await first.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        await first.ReceiveNothingElseAsync();
        await using var second = await bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("k");
        await first.ReceiveDeliveriesAsync(1);
        await first.SendAsync("""{"message_type":"ack","deliveries":[2]}""");
        await first.ReceiveNothingElseAsync();
        for (var minute = 0; minute < 12; minute++)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await first.ReceiveNothingElseAsync();
        }

        // It is the first one's turn: a new key goes there, and "k", if it is free, to the second one.
        await producer.PublishAsync("new");
        await producer.PublishAsync("k");
        Assert.That((string?)(await first.ReceiveDeliveriesAsync(1))[0]["consistency"]!["key"], Is.EqualTo("new"));
        Assert.That((string?)(await second.ReceiveDeliveriesAsync(1))[0]["consistency"]!["key"], Is.EqualTo("k"));
    }

    [Test]
    public async Task A_key_stays_with_a_v1_instance()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var bus = await BusUnderTest.StartAsync(o => o.StickyIdle = TimeSpan.FromMinutes(5), time);
        await using var producer = await bus.ConnectV2Async();
        await using var first = await bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await producer.PublishAsync("k");
        await first.ReceiveAsync("event");
        await first.SendAsync("""{"message_type":"ack","consistency":{"key":"k","value":0}}""");
        await first.RegisterAsync("accounts"); // its answer tells that the ack was read
        await using var second = await bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        for (var i = 0; i < 12; i++)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await second.ReceiveNothingElseAsync();
        }

        await producer.PublishAsync("new");
        await producer.PublishAsync("k");
        Assert.That((string?)(await first.ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo("new"), "it was its turn");
        Assert.That((string?)(await first.ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo("k"));
    }

    [Test]
    public async Task A_nack_ends_the_assignment_of_its_key_once_nothing_of_it_is_in_flight()
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using var producer = await bus.ConnectV2Async();
        await using var first = await bus.ConnectV2Async();
        await using var second = await bus.ConnectV2Async();
        await first.RegisterAsync("accounts");
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("k");
        await first.ReceiveDeliveriesAsync(1);
        await first.SendAsync("""{"message_type":"nack","delivery":1,"delay_ms":0}""");
        await first.ReceiveAsync("revoked");
        Assert.That((int)(await second.ReceiveDeliveriesAsync(1))[0]["attempt"]!, Is.EqualTo(2), "it was the other one's turn");
    }

    [Test]
    public async Task A_follow_that_finds_nothing_moves_its_position_on()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        await using var bus = await BusUnderTest.StartAsync(null, time);
        await using var producer = await bus.ConnectV2Async();
        await using var follower = await bus.ConnectV2Async();
        await follower.SendAsync("""{"message_type":"query","request_id":"f","follow":true,"event_types":["none"],"credit":100}""");
        await follower.ReceiveAsync("rebuild");
        await follower.ReceiveAsync("caught_up");
        await producer.PublishAsync("k");
        var receiving = follower.ReceiveAsync("rebuild");
        for (var i = 0; i < 100 && !receiving.IsCompleted; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(receiving, Task.Delay(20));
        }

        var page = await receiving;
        Assert.That(((long)page["position"]!, page["events"]!.AsArray().Count), Is.EqualTo((1, 0)));
    }
}
