using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Client.Subscribing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>However late a starved process goes on, it never works on an event after an earlier one of its key was taken away.</summary>
internal sealed class LostDeliveriesTests
{
    /// <summary>So many that somebody who is told of the first looks at the last while the others are still to be revoked, if they are revoked in that order.</summary>
    private const int Count = 50_000;

    private static readonly string[] Ways = ["the session ends", "the bus revokes", "the first is nacked"];

    [TestCaseSource(nameof(Ways))]
    public async Task Whoever_notices_that_a_delivery_is_lost_finds_the_later_ones_of_its_key_lost_already(string way)
    {
        using var socket = new ClientWebSocket();
        var hello = new HelloMessage("1.0", "log", "7", 0, new BusLimits(1 << 20, 10_000, 500, 512, 256), 15_000);
        using var session = new Session(socket, new FrameReader(socket), hello, static (_, _) => { }, new ConnectionSettings(new Uri("ws://localhost"), TimeSpan.Zero, static () => [], TimeProvider.System, NullLoggerFactory.Instance));
        var held = new SessionDeliveries(session, new EventMapper(new EventCatalog(), new JsonSerializerOptions()));
        Delivery[] deliveries = [.. Enumerable.Range(1, Count).Select(i => held.Take(new DeliveredEvent(new WireEvent("k", (uint)i - 1, 1, "t", "1"u8.ToArray()) { Position = i }, i, 1, false))!)];
        var wasLastLost = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var told = deliveries[0].Revoked.Register(() => wasLastLost.SetResult(deliveries[^1].Revoked.IsCancellationRequested));

        if (way == Ways[0])
            held.End();
        else if (way == Ways[1])
            held.Revoke([.. Enumerable.Range(1, Count).Select(i => (long)i)]);
        else
            await deliveries[0].NackAsync();

        Assert.That(await wasLastLost.Task.WaitAsync(TimeSpan.FromSeconds(30)), Is.True);
    }
}
