using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Wire;

/// <summary>What sessions see when the bus stops, and what it brings back when it starts again on the same file.</summary>
internal sealed class StopTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private Task<BusUnderTest> StartAsync() => BusUnderTest.StartAsync(o => o.DataFile = Path.Combine(_folder, "log.db"));

    [Test]
    public async Task A_v2_session_is_closed_politely_and_a_v1_session_without_a_close_frame()
    {
        var bus = await StartAsync();
        await using var old = await bus.ConnectV1Async();
        await using var young = await bus.ConnectV2Async();
        await old.RegisterAsync("a");
        var stopping = bus.DisposeAsync();
        await young.ReceiveAsync("draining");
        Assert.That(await young.ReceiveCloseAsync(), Is.EqualTo(WebSocketCloseStatus.EndpointUnavailable));
        await young.CloseAsync();
        Assert.That(old.ReceiveTextAsync, Throws.InstanceOf<WebSocketException>().With.Message.Contains("without completing the close handshake").And.InnerException.Null, "TCP ended without a reset");
        await stopping;
    }

    [Test]
    public async Task Receipts_under_way_are_sent_before_the_bus_stops([Values] ProtocolVersion version)
    {
        var bus = await StartAsync();
        await using var client = version == ProtocolVersion.V1 ? await bus.ConnectV1Async() : await bus.ConnectV2Async();
        for (var i = 0; i < 300; i++)
            await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k")}}]}""");
        await client.ReceiveAsync("receipt");
        var stopping = bus.DisposeAsync();
        var answered = 1;
        while (await client.TryReceiveAsync() is { } message)
        {
            if ((string?)message["message_type"] == "receipt")
                answered++;
        }

        client.Abort();
        await stopping;
        await using var again = await StartAsync();
        await using var reader = await again.ConnectV2Async();
        Assert.That((long)reader.Hello["position"]!, Is.EqualTo(answered), "whatever was stored was answered");
    }

    [Test]
    public async Task A_log_goes_on_where_it_ended()
    {
        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            for (var i = 0; i < 10; i++)
                await client.PublishAsync($"k{i % 3}", more: $",\"event_id\":\"01890a5d-ac96-774b-bcce-{i:x12}\"");
        }

        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            Assert.That((long)client.Hello["position"]!, Is.EqualTo(10));
            var next = await client.PublishAsync("k0", 4);
            Assert.That((long)next["position"]!, Is.EqualTo(11));
            Assert.That((string?)(await client.PublishAsync("x", more: ",\"event_id\":\"01890a5d-ac96-774b-bcce-000000000005\""))["status"], Is.EqualTo("duplicate"));
            await client.SendAsync("""{"message_type":"query","request_id":"q","keys":["k1"]}""");
            Assert.That((await client.ReceiveAsync("rebuild"))["events"]!.AsArray().Select(e => (long)e!["position"]!), Is.EqualTo(new[] { 2, 5, 8 }));
        }
    }

    [Test]
    public async Task What_a_client_type_owes_is_not_forgotten()
    {
        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            await client.RegisterAsync("accounts", """["even"]""");
            await using var producer = await bus.ConnectV2Async();
            for (var i = 0; i < 10; i++)
                await producer.PublishAsync($"k{i % 4}", type: i % 2 == 0 ? "even" : "odd", data: $"{i}");
            await client.ReceiveDeliveriesAsync(5);
            await client.SendAsync("""{"message_type":"ack","deliveries":[1,4]}""");
            await client.ReceiveNothingElseAsync();
        }

        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            await using var producer = await bus.ConnectV2Async();
            await producer.PublishAsync("k9", type: "even", data: "10");
            Assert.That((bool)(await client.RegisterAsync("accounts", """["even"]"""))["known"]!, Is.True);
            var owed = await client.ReceiveDeliveriesAsync(4);
            Assert.That(owed.Select(e => (int)e["data"]!), Is.EquivalentTo(new[] { 2, 4, 8, 10 }));
            Assert.That(owed.Where(e => (bool)e["redelivered"]!).Select(e => (int)e["data"]!), Is.EquivalentTo(new[] { 2, 4, 8 }));
        }
    }

    [Test]
    public async Task Failures_survive_a_restart()
    {
        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            await client.RegisterAsync("accounts");
            await using var producer = await bus.ConnectV2Async();
            await producer.PublishAsync("k");
            await client.ReceiveDeliveriesAsync(1);
            await client.SendAsync("""{"message_type":"nack","delivery":1,"delay_ms":60000}""");
            await client.ReceiveAsync("revoked");
        }

        await using (var bus = await StartAsync())
        {
            await using var client = await bus.ConnectV2Async();
            await client.RegisterAsync("accounts");
            Assert.That((int)(await client.ReceiveDeliveriesAsync(1))[0]["attempt"]!, Is.EqualTo(2));
        }
    }

    [Test]
    public async Task A_second_bus_on_the_same_file_is_refused()
    {
        await using var bus = await StartAsync();
        Assert.That(StartAsync, Throws.InstanceOf<StoreException>().With.Message.Contains("in use by another bus"));
    }

    [Test]
    public async Task A_foreign_file_is_refused()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "log.db"), new string('x', 4096));
        Assert.That(StartAsync, Throws.InstanceOf<StoreException>().With.Message.Contains("log.db").And.Message.Contains("not a database"));
    }
}
