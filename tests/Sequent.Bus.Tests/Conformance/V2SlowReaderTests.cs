using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2: a client that does not read its socket costs the bus little, and others nothing.</summary>
internal sealed class V2SlowReaderTests
{
    private const int MaxPages = 4;

    [Test]
    public async Task No_more_than_4_pages_are_read_ahead_of_a_socket_whatever_the_credit()
    {
        using var socket = new StuckSocket(
            """{"message_type":"query","request_id":"a","credit":1000000}""",
            """{"message_type":"query","request_id":"b","credit":1000000}""",
            """{"message_type":"query"}""");
        var memory = new InMemoryStore();
        var store = new FaultyStore(memory);
        await using var bus = await BusUnderTest.StartOverAsync((store, memory), o => (o.RecentCommitBytes, o.QueryPage) = (0, 2));
        await using var producer = await bus.ConnectV2Async();
        for (var i = 0; i < 60; i++)
            await producer.PublishAsync("k");

        var (pages, ahead) = (0, 0);
        var counting = new Lock(); // the queries read beside one another
        store.BeforeReading = () =>
        {
            lock (counting)
                ahead = Math.Max(ahead, ++pages - Math.Max(0, socket.Sent - 1)); // the first frame is the hello
            return Task.CompletedTask;
        };
        var session = bus.RunAsync(socket, ProtocolVersion.V2);
        await Eventually.HoldsAsync(() => Volatile.Read(ref pages) == MaxPages, "the first pages are read");
        socket.Read(1);
        for (var read = 1; read <= 20; read++)
        {
            socket.Read(1);
            await Eventually.HoldsAsync(() => Volatile.Read(ref pages) == MaxPages + read, "a page that has left makes room for another one");
        }

        Assert.That(ahead, Is.EqualTo(MaxPages));
        Assert.That(session.IsCompleted, Is.False);
    }

    [Test]
    public async Task An_instance_that_never_reads_keeps_nobody_from_publishing_or_consuming()
    {
        using var stuck = new StuckSocket(
            """{"message_type":"register","client_type":"accounts","event_types":["*"],"max_in_flight":65536}""",
            """{"message_type":"query","request_id":"q","follow":true,"credit":1000000}""");
        await using var bus = await BusUnderTest.StartAsync(o => o.RecentCommitBytes = 0);
        await using var producer = await bus.ConnectV2Async();
        await using var other = await bus.ConnectV2Async();
        await other.RegisterAsync("accounts");
        _ = bus.RunAsync(stuck, ProtocolVersion.V2);
        await Eventually.HoldsAsync(async () => (await bus.AskAsync("/admin/client-type?name=accounts"))["status"]!["instances"]!.AsArray().Count == 2, "both take part");
        var data = $"\"{new string('x', 100_000)}\"";
        for (var i = 0; i < 200; i++)
        {
            // Turn by turn: every second key is the other one's.
            Assert.That((string?)(await producer.PublishAsync($"k{i}", data: data))["status"], Is.EqualTo("success"));
            if (i % 2 == 0)
                await other.ReceiveDeliveriesAsync(1);
        }
    }
}
