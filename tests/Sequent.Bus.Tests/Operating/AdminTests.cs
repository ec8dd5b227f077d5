using System.Net;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Operating;

/// <summary>What an operator asks the bus over HTTP, against live sessions.</summary>
internal sealed class AdminTests
{
    private BusUnderTest _bus = null!;
    private HttpClient _http = null!;
    private WireClient _producer = null!;

    [SetUp]
    public async Task Start()
    {
        _bus = await BusUnderTest.StartAsync();
        _http = new HttpClient { BaseAddress = new Uri(_bus.Address.AbsoluteUri.Replace("ws://", "http://", StringComparison.Ordinal)) };
        _producer = await _bus.ConnectV2Async();
    }

    [TearDown]
    public async Task Stop()
    {
        await _producer.DisposeAsync();
        _http.Dispose();
        await _bus.DisposeAsync();
    }

    private async Task<JsonNode> GetAsync(string path)
    {
        using var response = await _http.GetAsync(path);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), await response.Content.ReadAsStringAsync());
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private async Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await _http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<WireClient> AccountsAsync(string more = "")
    {
        var client = await _bus.ConnectV2Async();
        await client.RegisterAsync("accounts", more: more);
        return client;
    }

    private static Task NackAsync(WireClient client, long delivery, string more = "") =>
        client.SendAsync($$"""{"message_type":"nack","delivery":{{delivery}}{{more}}}""");

    private async Task<JsonArray> UntilDeadLettersAsync(int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            var letters = (await GetAsync("/admin/dead-letters?name=accounts")).AsArray();
            if (letters.Count == count)
                return letters;
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    [Test]
    public async Task Whoever_asks_wrongly_is_told_what_can_be_asked()
    {
        var requests = (await GetAsync("/admin"))["requests"]!.AsArray().Select(r => (string?)r);
        Assert.That(requests, Has.Member("POST /admin/client-type/reset?name=<text>&position=<text>").And.Member("GET /admin/sessions"));
        var (status, text) = await SendAsync(HttpMethod.Get, "/admin/dead-letters?name=accounts&max=many");
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(text, Does.Contain("GET /admin/dead-letters?name=<text>&after=<number, optional>"));
        Assert.That((await SendAsync(HttpMethod.Post, "/admin/client-types")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Client_types_are_listed_with_their_debt()
    {
        await using var client = await AccountsAsync(",\"instance\":\"one\",\"max_in_flight\":7");
        await _producer.PublishAsync("a");
        await _producer.PublishAsync("b");
        await client.ReceiveDeliveriesAsync(2);
        await client.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        await client.ReceiveNothingElseAsync();
        var view = (await GetAsync("/admin/client-types")).AsArray().Single()!;
        var status = view["status"]!;
        Assert.That(((string?)status["name"], (long)status["cursor"]!, (long)view["head"]!, (long)view["behind"]!), Is.EqualTo(("accounts", 2, 2, 0)));
        Assert.That(((int)status["keys_in_debt"]!, (long)status["oldest_unacked"]!), Is.EqualTo((1, 2)));
        var instance = status["instances"]!.AsArray().Single()!;
        Assert.That(((string?)instance["name"], (int)instance["in_flight"]!, (int)instance["window"]!), Is.EqualTo(("one", 1, 7)));
        Assert.That((string?)(await GetAsync("/admin/client-type?name=accounts"))["status"]!["name"], Is.EqualTo("accounts"));
    }

    [Test]
    public async Task A_reset_hands_everything_out_again_from_a_position()
    {
        await using var client = await AccountsAsync();
        for (var i = 0; i < 3; i++)
            await _producer.PublishAsync("a");
        await client.ReceiveDeliveriesAsync(3);
        await client.SendAsync("""{"message_type":"ack","deliveries":[1,2]}""");
        await client.ReceiveNothingElseAsync();
        var (status, _) = await SendAsync(HttpMethod.Post, "/admin/client-type/reset?name=accounts&position=1");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await client.ReceiveAsync("revoked"))["deliveries"]!.ToJsonString(), Is.EqualTo("[3]"));
        var again = await client.ReceiveDeliveriesAsync(2);
        Assert.That(again.Select(e => ((long)e["position"]!, (bool)e["redelivered"]!)), Is.EqualTo(new[] { (2L, true), (3L, true) }));
        Assert.That((await SendAsync(HttpMethod.Post, "/admin/client-type/reset?name=accounts&position=4")).Status, Is.EqualTo(HttpStatusCode.BadRequest), "beyond the head");
        Assert.That((await SendAsync(HttpMethod.Post, "/admin/client-type/reset?name=nobody&position=0")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_client_type_is_forgotten_once_nobody_lives()
    {
        await using (var client = await AccountsAsync())
        {
            Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.Conflict));
            await client.SendAsync("""{"message_type":"unregister"}""");
            await client.ReceiveAsync("unregistered");
        }

        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await SendAsync(HttpMethod.Get, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        await using var again = await _bus.ConnectV2Async();
        Assert.That((bool)(await again.RegisterAsync("accounts"))["known"]!, Is.False);
    }

    [Test]
    public async Task A_key_tells_why_it_waits()
    {
        await using var client = await AccountsAsync();
        await _producer.PublishAsync("a");
        await client.ReceiveDeliveriesAsync(1);
        Assert.That((string?)(await GetAsync("/admin/client-type/key?name=accounts&key=a"))["why"], Does.Contain("in flight"));
        await NackAsync(client, 1, ",\"delay_ms\":60000");
        await client.ReceiveAsync("revoked");
        var key = await GetAsync("/admin/client-type/key?name=accounts&key=a");
        Assert.That(((string?)key["why"], (long)key["next"]!, (int)key["failures"]!), Is.EqualTo(((string?)key["why"], 1, 1)));
        Assert.That((string?)key["why"], Does.StartWith("backing off"));
        Assert.That((string?)(await GetAsync("/admin/client-type/key?name=accounts&key=b"))["why"], Is.EqualTo("nothing is owed"));
    }

    [Test]
    public async Task A_dead_letter_is_looked_at_redriven_and_dropped()
    {
        await using var client = await AccountsAsync();
        await _producer.PublishAsync("a", data: """{"amount":"13.00"}""");
        await _producer.PublishAsync("a");
        await client.ReceiveDeliveriesAsync(2);
        await NackAsync(client, 1, ",\"dead_letter\":true,\"reason\":\"no such account\"");
        await client.ReceiveAsync("revoked");
        var letter = (await UntilDeadLettersAsync(1))[0]!;
        Assert.That(((long)letter["position"]!, (string?)letter["reason"], (int)letter["attempts"]!), Is.EqualTo((1, "no such account", 1)));
        Assert.That((string?)(await GetAsync("/admin/dead-letter?name=accounts&position=1"))["event"]!["data"]!["amount"], Is.EqualTo("13.00"));

        Assert.That((long)(await client.ReceiveDeliveriesAsync(1))[0]["position"]!, Is.EqualTo(2), "its key goes on");
        Assert.That((await SendAsync(HttpMethod.Post, "/admin/dead-letter/redrive?name=accounts&position=1")).Status, Is.EqualTo(HttpStatusCode.OK));
        await client.SendAsync("""{"message_type":"ack","deliveries":[3]}""");
        var redriven = (await client.ReceiveDeliveriesAsync(1))[0];
        Assert.That(((long)redriven["position"]!, (bool)redriven["redriven"]!, (int)redriven["attempt"]!), Is.EqualTo((1, true, 1)));
        Assert.That((await SendAsync(HttpMethod.Get, "/admin/dead-letter?name=accounts&position=1")).Status, Is.EqualTo(HttpStatusCode.NotFound));

        await NackAsync(client, 4, ",\"dead_letter\":true");
        await UntilDeadLettersAsync(1);
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/dead-letter?name=accounts&position=1")).Status, Is.EqualTo(HttpStatusCode.OK));
        await UntilDeadLettersAsync(0);
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/dead-letter?name=accounts&position=1")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_session_is_looked_at_and_kicked_and_what_it_held_moves_on()
    {
        await using var first = await AccountsAsync();
        await _producer.PublishAsync("a");
        await first.ReceiveDeliveriesAsync(1);
        await using var second = await AccountsAsync();
        var id = (string?)first.Hello["session_id"];
        var session = (await GetAsync("/admin/sessions")).AsArray().Single(s => (string?)s!["id"] == id)!;
        Assert.That(((string?)session["protocol"], (string?)session["client_type"], (int)session["instance"]!["in_flight"]!), Is.EqualTo(("v2", "accounts", 1)));
        var held = (await GetAsync($"/admin/session?id={id}")).AsArray().Single()!;
        Assert.That(((long)held["position"]!, (string?)held["key"]), Is.EqualTo((1, "a")));

        Assert.That((await SendAsync(HttpMethod.Delete, $"/admin/session?id={id}")).Status, Is.EqualTo(HttpStatusCode.OK));
        await first.ReceiveAsync("revoked");
        Assert.That(await first.ReceiveCloseAsync(), Is.EqualTo(WebSocketCloseStatus.PolicyViolation));
        Assert.That((long)(await second.ReceiveDeliveriesAsync(1))[0]["position"]!, Is.EqualTo(1));
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/session?id=1")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_client_type_with_an_instance_that_drains_is_not_forgotten()
    {
        await using var client = await AccountsAsync();
        await _producer.PublishAsync("a");
        await client.ReceiveDeliveriesAsync(1);
        await client.SendAsync("""{"message_type":"unregister","drain":true}""");
        await client.ReceiveNothingElseAsync();
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.Conflict));
        await client.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        await client.ReceiveAsync("unregistered");
        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task What_a_forgotten_client_type_had_may_have_been_had()
    {
        await using (var client = await AccountsAsync())
        {
            await _producer.PublishAsync("a");
            await client.ReceiveDeliveriesAsync(1);
            await client.SendAsync("""{"message_type":"unregister"}""");
            await client.ReceiveAsync("revoked");
            await client.ReceiveAsync("unregistered");
        }

        Assert.That((await SendAsync(HttpMethod.Delete, "/admin/client-type?name=accounts")).Status, Is.EqualTo(HttpStatusCode.OK));
        await _producer.PublishAsync("a");
        await using var again = await AccountsAsync(",\"start\":\"earliest\"");
        var deliveries = await again.ReceiveDeliveriesAsync(2);
        Assert.That(deliveries.Select(e => (bool)e["redelivered"]!), Is.EqualTo(new[] { true, false }));
    }

    [TestCase("Origin", "http://127.0.0.1")]
    [TestCase("Host", "rebound.example")]
    [TestCase("X-Forwarded-For", "203.0.113.7")]
    [TestCase("Forwarded", "for=203.0.113.7")]
    public async Task Pages_of_a_browser_and_whoever_comes_through_a_proxy_are_refused(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/client-types");
        request.Headers.Add(header, value);
        using var response = await _http.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }
}
