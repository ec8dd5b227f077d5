using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Delivering;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Operating;

/// <summary>What an operator sees and can do when something is wrong: a store that fails, a defect, a client in a bad moment.</summary>
internal sealed class AdminInTroubleTests
{
    private FakeTimeProvider _time = null!;
    private FaultyStore _events = null!;
    private FaultyDeliveryStore _deliveries = null!;
    private BusUnderTest _bus = null!;
    private WireClient _producer = null!;

    [SetUp]
    public async Task Start()
    {
        var memory = new InMemoryStore();
        _time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddDays(1));
        (_events, _deliveries) = (new FaultyStore(memory), new FaultyDeliveryStore(memory));
        _bus = await BusUnderTest.StartOverAsync((_events, _deliveries), o => o.RecentCommitBytes = 0, _time);
        _producer = await _bus.ConnectV2Async();
    }

    [TearDown]
    public async Task Stop()
    {
        await _producer.DisposeAsync();
        await _bus.DisposeAsync();
    }

    private async Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await _bus.Http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<JsonArray> InstancesAsync() => (await _bus.AskAsync("/admin/client-type?name=accounts"))["status"]!["instances"]!.AsArray();

    [Test]
    public async Task A_forget_that_the_store_refuses_changes_nothing()
    {
        await using (var client = await _bus.ConnectV2Async())
        {
            await client.RegisterAsync("accounts");
            await client.SendAsync("""{"message_type":"unregister"}""");
            await client.ReceiveAsync("unregistered");
        }

        _deliveries.Fails = true;
        var (status, text) = await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts");
        Assert.That((status, text), Is.EqualTo((HttpStatusCode.ServiceUnavailable, text)));
        Assert.That(text, Does.Contain("told to fail"));
        _deliveries.Fails = false;
        await using var again = await _bus.ConnectV2Async();
        Assert.That((bool)(await again.RegisterAsync("accounts"))["known"]!, Is.True);
        await _producer.PublishAsync("k");
        await again.ReceiveDeliveriesAsync(1);
        await again.SendAsync("""{"message_type":"unregister"}""");
        await again.ReceiveAsync("revoked");
        await again.ReceiveAsync("unregistered");
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_defect_of_one_client_type_hides_no_other_and_is_told_to_whoever_asks()
    {
        await using (var victim = await _bus.ConnectV2Async())
        {
            await victim.RegisterAsync("broken");
            _events.BeforeReadingHeaders = () => throw new InvalidOperationException("a defect, as a test");
            await _producer.PublishAsync("k");
            Assert.That(await victim.TryReceiveAsync(), Is.Null, "its sessions are ended");
        }

        _events.BeforeReadingHeaders = null;
        await using var client = await _bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await _producer.PublishAsync("k");
        await client.ReceiveDeliveriesAsync(1);

        var types = (await _bus.AskAsync("/admin/client-types")).AsArray();
        Assert.That(types.Select(t => ((string?)t!["name"], (bool)t["is_defect"]!, t["status"] is null)), Is.EqualTo(new[] { ("accounts", false, false), ("broken", true, true) }));
        Assert.That((await _bus.AskAsync("/admin/sessions")).AsArray(), Has.Count.EqualTo(2));
        Assert.That(await SendAsync(HttpMethod.Get, "/health/ready"), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "A defect stopped the deliveries of client type 'broken' until the bus is started anew.\n")));
        Assert.That(_bus.Logged(LogLevel.Critical), Is.EqualTo(new[] { "Client type broken: a defect stopped its deliveries until the bus is restarted" }));

        await client.SendAsync("""{"message_type":"register","request_id":"r","client_type":"broken","event_types":["*"]}""");
        var error = await client.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["request_id"]), Is.EqualTo(("internal", "r")));
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=broken")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await SendAsync(HttpMethod.Get, "/health/ready")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_defect_in_a_query_is_told_to_whoever_waits_for_it([Values] bool follow)
    {
        await _producer.PublishAsync("k");
        _events.BeforeReading = () => throw new InvalidOperationException("a defect, as a test");
        await _producer.SendAsync($$"""{"message_type":"query","request_id":"q","follow":{{(follow ? "true" : "false")}}}""");
        var error = await _producer.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["request_id"]), Is.EqualTo(("internal", "q")));
        Assert.That(_bus.Logged(LogLevel.Error), Has.One.Contains("a defect"));
        _events.BeforeReading = null;
        await _producer.SendAsync("""{"message_type":"query","request_id":"q"}""");
        await _producer.ReceiveAsync("rebuild");
    }

    [Test]
    public async Task Whoever_is_kicked_while_it_registers_leaves_no_ghost([Values] ProtocolVersion version)
    {
        var held = new TaskCompletionSource();
        var saves = 0;
        _deliveries.BeforeSaving = () =>
        {
            saves++;
            return held.Task;
        };
        await using var kicked = version == ProtocolVersion.V1 ? await _bus.ConnectV1Async() : await _bus.ConnectV2Async();
        var session = (string?)(await _bus.AskAsync("/admin/sessions")).AsArray().Single(s => (string?)s!["id"] != (string?)_producer.Hello["session_id"])!["id"];
        await kicked.SendAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"]}""");
        await Eventually.HoldsAsync(() => saves == 1, "the client type is being saved");
        var kicking = SendAsync(HttpMethod.Delete, $"/admin/session?id={session}");
        _deliveries.BeforeSaving = null;
        held.SetResult();
        Assert.That((await kicking).Status, Is.EqualTo(HttpStatusCode.OK));
        while (await kicked.TryReceiveAsync() is not null)
        {
            // It may have been told that it is registered.
        }

        kicked.Abort();
        await using var next = await _bus.ConnectV2Async();
        await next.RegisterAsync("accounts");
        await Eventually.HoldsAsync(async () => (await InstancesAsync()).Count == 1, "only the living one takes part");
        await _producer.PublishAsync("a");
        await _producer.PublishAsync("b");
        await next.ReceiveDeliveriesAsync(2);
    }

    [Test]
    public async Task A_change_that_cannot_be_made_durable_is_told_to_be_in_effect_only()
    {
        await using var client = await _bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await _producer.PublishAsync("k");
        await client.ReceiveDeliveriesAsync(1);
        _deliveries.Fails = true;
        var (status, text) = await _time.AdvanceUntilAsync(SendAsync(HttpMethod.Post, "/admin/client-type/reset?name=accounts&position=0"), TimeSpan.FromMilliseconds(200));
        Assert.That(status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(text, Does.Contain("in effect"));
        await client.ReceiveAsync("revoked");
        await client.ReceiveDeliveriesAsync(1);
        _deliveries.Fails = false;
    }
}
