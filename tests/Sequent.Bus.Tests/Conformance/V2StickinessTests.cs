using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2: how long a key stays with an instance.</summary>
internal sealed class V2StickinessTests
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
}
