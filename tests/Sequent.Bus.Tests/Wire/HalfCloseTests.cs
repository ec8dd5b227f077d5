namespace Sequent.Bus.Tests.Wire;

/// <summary>Frames are handled in order, then the end: what a client sent right before it was gone still counts.</summary>
internal sealed class HalfCloseTests
{
    [Test]
    public async Task Acks_right_before_the_end_of_tcp_count([Values(10, 100, 400)] int count)
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using var producer = await bus.ConnectV2Async();
        using var first = await RawClient.ConnectAsync(bus.Address);
        await first.SendTextAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"]}""");
        await first.ReadUntilAsync("registration");
        for (var i = 0; i < count; i++)
            await producer.PublishAsync($"k{i}");
        await first.ReadUntilAsync($"\"key\":\"k{count - 1}\"");
        for (var i = 0; i < count; i++)
            await first.SendTextAsync($$$"""{"message_type":"ack","consistency":{"key":"k{{{i}}}","value":0}}""");
        first.ShutDownSending();
        await first.ReadToEndAsync();

        await using var second = await bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("last", type: "end");
        Assert.That((string?)(await second.ReceiveDeliveriesAsync(1))[0]["event_type"], Is.EqualTo("end"), "nothing acked comes again");
    }
}
