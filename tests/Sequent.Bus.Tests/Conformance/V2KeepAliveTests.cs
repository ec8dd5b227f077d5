using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2, sessions: peers that answer pings, and those that do not. Old clients are pinged as well.</summary>
internal sealed class V2KeepAliveTests : WireTest
{
    protected override void Configure(SequentBusOptions options) => options.KeepAlive = TimeSpan.FromSeconds(1);

    [Test]
    public async Task A_silent_peer_is_dropped_and_what_it_held_moves_on()
    {
        using var silent = await RawClient.ConnectAsync(Bus.Address); // answers no ping
        await silent.SendTextAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"]}""");
        await silent.ReceiveAsync();
        await using var producer = await Bus.ConnectV2Async();
        await producer.PublishAsync("k");
        await silent.ReceiveAsync();
        await using var second = await Bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        Assert.That((bool)(await second.ReceiveDeliveriesAsync(1))[0]["redelivered"]!, Is.True);
    }

    [Test]
    public async Task A_peer_that_answers_pings_stays()
    {
        await using var client = await Bus.ConnectV2Async();
        var receiving = client.ReceiveAsync("sequences");
        await Task.WhenAny(receiving, Task.Delay(3_000)); // three pings
        await client.SendAsync("""{"message_type":"sequence","request_id":"s","keys":[]}""");
        await receiving;
    }
}
