namespace Sequent.Bus.Tests.Conformance;

/// <summary>What v2 adds to consuming.</summary>
internal sealed class V2ConsumeTests : V2WireTest
{
    [Test]
    public async Task A_registration_tells_whether_the_type_was_known_and_its_cursor()
    {
        await Client.PublishAsync("k");
        await using var first = await Bus.ConnectV2Async();
        var registration = await first.RegisterAsync("accounts");
        Assert.That((bool)registration["known"]!, Is.False);
        Assert.That((long)registration["cursor"]!, Is.EqualTo(1));
        await using var second = await Bus.ConnectV2Async();
        Assert.That((bool)(await second.RegisterAsync("accounts"))["known"]!, Is.True);
    }

    [TestCase(",\"start\":\"earliest\"", ExpectedResult = 3)]
    [TestCase(",\"start\":\"latest\"", ExpectedResult = 0)]
    [TestCase("", ExpectedResult = 0)]
    [TestCase(",\"start\":{\"position\":2,\"log_id\":\"LOG\"}", ExpectedResult = 1)]
    public async Task<int> A_new_type_starts_where_it_asks_to(string start)
    {
        for (var i = 0; i < 3; i++)
            await Client.PublishAsync("k");
        await using var client = await Bus.ConnectV2Async();
        await client.RegisterAsync("accounts", more: start.Replace("LOG", (string?)client.Hello["log_id"], StringComparison.Ordinal));
        await Client.PublishAsync("last", type: "end");
        var count = 0;
        while ((string?)(await client.ReceiveDeliveriesAsync(1))[0]["event_type"] != "end")
        {
            count++;
            await client.SendAsync($$"""{"message_type":"ack","up_to":{{count}}}""");
        }

        return count;
    }

    [TestCase("{\"position\":0,\"log_id\":\"another\"}", "log_changed")]
    [TestCase("{\"position\":9,\"log_id\":\"LOG\"}", "position_ahead")]
    public async Task A_start_of_another_log_or_beyond_the_head_is_refused(string start, string code)
    {
        await Client.SendAsync($$"""{"message_type":"register","client_type":"x","event_types":[],"start":{{start.Replace("LOG", (string?)Client.Hello["log_id"], StringComparison.Ordinal)}}}""");
        Assert.That((string?)(await Client.ReceiveAsync("error"))["code"], Is.EqualTo(code));
    }

    [Test]
    public async Task Where_a_known_type_should_have_started_does_not_matter()
    {
        await Client.RegisterAsync("accounts");
        await using var second = await Bus.ConnectV2Async();
        var registration = await second.RegisterAsync("accounts", more: ",\"start\":{\"position\":99999,\"log_id\":\"another\"}");
        Assert.That((bool)registration["known"]!, Is.True);
    }

    [Test]
    public async Task A_delivery_has_a_number_a_position_and_its_history()
    {
        await using var client = await Bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await Client.PublishAsync("k", data: """{ "b":1, "a":50.00 }""", more: ",\"event_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"traceparent\":\"00-aa-bb-01\"");
        var e = (await client.ReceiveDeliveriesAsync(1))[0];
        Assert.That((long)e["delivery"]!, Is.EqualTo(1));
        Assert.That((long)e["position"]!, Is.EqualTo(1));
        Assert.That((int)e["attempt"]!, Is.EqualTo(1));
        Assert.That((bool)e["redelivered"]!, Is.False);
        Assert.That((string?)e["event_id"], Is.EqualTo("01890a5d-ac96-774b-bcce-b302099a8057"));
        Assert.That((string?)e["traceparent"], Is.EqualTo("00-aa-bb-01"));
        Assert.That((string?)e["time"], Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"));
        Assert.That(e["session_id"]!.GetValueKind(), Is.EqualTo(System.Text.Json.JsonValueKind.String));
        Assert.That(e["data"]!.ToJsonString(), Is.EqualTo("""{"b":1,"a":50.00}"""), "data is as published");
    }

    [Test]
    public async Task No_more_than_the_window_is_in_flight()
    {
        await using var client = await Bus.ConnectV2Async();
        await client.RegisterAsync("accounts", more: ",\"max_in_flight\":3,\"max_in_flight_per_key\":2");
        for (var i = 0; i < 8; i++)
            await Client.PublishAsync($"k{i / 4}");
        var first = await client.ReceiveDeliveriesAsync(3);
        Assert.That(first.Select(e => (string?)e["consistency"]!["key"]), Is.EqualTo(new[] { "k0", "k0", "k1" }));
        await client.ReceiveNothingElseAsync();
        await client.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        Assert.That((string?)(await client.ReceiveDeliveriesAsync(1))[0]["consistency"]!["key"], Is.AnyOf("k0", "k1"));
    }

    [Test]
    public async Task A_nack_revokes_the_event_and_the_later_ones_of_its_key_which_come_again_in_order()
    {
        await using var client = await Bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        for (var i = 0; i < 4; i++)
            await Client.PublishAsync("k", data: $"{i}");
        await Client.PublishAsync("other");
        await client.ReceiveDeliveriesAsync(5);

        await client.SendAsync("""{"message_type":"nack","delivery":2,"delay_ms":0,"reason":"later"}""");
        Assert.That((await client.ReceiveAsync("revoked"))["deliveries"]!.ToJsonString(), Is.EqualTo("[2,3,4]"));
        await client.SendAsync("""{"message_type":"ack","deliveries":[3]}""");
        await client.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        var again = await client.ReceiveDeliveriesAsync(3);
        Assert.That(again.Select(e => (int)e["data"]!), Is.EqualTo(new[] { 1, 2, 3 }), "an ack of a revoked delivery settles nothing");
        Assert.That(again.Select(e => (int)e["attempt"]!), Is.EqualTo(new[] { 2, 1, 1 }), "only the named event failed");
        Assert.That(again.Select(e => (bool)e["redelivered"]!), Is.All.True);
        Assert.That(again.Select(e => (long)e["delivery"]!), Is.EqualTo(new[] { 6, 7, 8 }));
    }

    [Test]
    public async Task A_dead_letter_lets_its_key_go_on()
    {
        await using var client = await Bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await Client.PublishAsync("k", data: "1");
        await Client.PublishAsync("k", data: "2");
        await client.ReceiveDeliveriesAsync(2);
        await client.SendAsync("""{"message_type":"nack","delivery":1,"dead_letter":true,"reason":"poison"}""");
        await client.ReceiveAsync("revoked");
        Assert.That((int)(await client.ReceiveDeliveriesAsync(1))[0]["data"]!, Is.EqualTo(2));
    }

    [Test]
    public async Task What_an_instance_held_goes_to_another_at_once_and_is_marked()
    {
        var first = await Bus.ConnectV2Async();
        await first.RegisterAsync("accounts");
        for (var i = 0; i < 5; i++)
            await Client.PublishAsync("k", data: $"{i}");
        await first.ReceiveDeliveriesAsync(5);
        await first.SendAsync("""{"message_type":"ack","up_to":2}""");
        await using var second = await Bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        first.Abort();
        var moved = await second.ReceiveDeliveriesAsync(3);
        Assert.That(moved.Select(e => (int)e["data"]!), Is.EqualTo(new[] { 2, 3, 4 }));
        Assert.That(moved.Select(e => (bool)e["redelivered"]!), Is.All.True);
        Assert.That(moved.Select(e => (int)e["attempt"]!), Is.All.EqualTo(1), "a lost session is no failure");
    }

    [TestCase("""{"message_type":"ack","request_id":"q","up_to":9}""", "$.up_to")]
    [TestCase("""{"message_type":"ack","request_id":"q","deliveries":[9]}""", "$.deliveries")]
    [TestCase("""{"message_type":"nack","request_id":"q","delivery":9}""", "$.delivery")]
    [TestCase("""{"message_type":"extend","request_id":"q","deliveries":[9],"ms":1}""", "$.deliveries")]
    [TestCase("""{"message_type":"nack","request_id":"q","delivery":1,"delay_ms":3600001}""", "$.delay_ms")]
    [TestCase("""{"message_type":"ack","request_id":"q"}""", "$")]
    [TestCase("""{"message_type":"ack","request_id":"q","consistency":{"key":"k","value":0}}""", "$")]
    public async Task Settling_what_was_never_sent_is_an_error_that_names_request_and_field(string text, string path)
    {
        await Client.RegisterAsync("accounts");
        await Client.SendAsync(text);
        var error = await Client.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["request_id"], (string?)error["path"]), Is.EqualTo(("invalid_message", "q", path)));
    }

    [TestCase("""{"message_type":"register","request_id":"q","client_type":"accounts","event_types":["*"]}""", "registration")]
    [TestCase("""{"message_type":"unregister","request_id":"q"}""", "unregistered")]
    [TestCase("""{"message_type":"unregister","request_id":"q","drain":true}""", "unregistered")]
    public async Task Coming_and_going_is_answered_with_the_request_id(string text, string answer)
    {
        await Client.RegisterAsync("accounts");
        await Client.SendAsync(text);
        Assert.That((string?)(await Client.ReceiveAsync(answer))["request_id"], Is.EqualTo("q"));
    }

    [Test]
    public async Task Settling_needs_a_registration()
    {
        await Client.SendAsync("""{"message_type":"ack","request_id":"q","up_to":0}""");
        var error = await Client.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["request_id"]), Is.EqualTo(("not_registered", "q")));
    }

    [Test]
    public async Task Registering_another_type_revokes_what_is_held()
    {
        await Client.RegisterAsync("accounts");
        await using var other = await Bus.ConnectV2Async();
        await other.PublishAsync("k");
        await Client.ReceiveDeliveriesAsync(1);
        await Client.SendAsync("""{"message_type":"register","client_type":"audit","event_types":["*"],"start":"earliest"}""");
        Assert.That((await Client.ReceiveAsync("revoked"))["deliveries"]!.ToJsonString(), Is.EqualTo("[1]"));
        await Client.ReceiveAsync("registration");
        Assert.That((long)(await Client.ReceiveDeliveriesAsync(1))[0]["delivery"]!, Is.EqualTo(2), "numbers go on");
    }

    [Test]
    public async Task V1_and_v2_instances_share_a_client_type()
    {
        await using var old = await Bus.ConnectV1Async();
        await using var young = await Bus.ConnectV2Async();
        await old.RegisterAsync("accounts");
        await young.RegisterAsync("accounts");
        await Client.PublishAsync("a");
        await Client.PublishAsync("b");
        Assert.That((string?)(await old.ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo("a"));
        Assert.That((string?)(await young.ReceiveDeliveriesAsync(1))[0]["consistency"]!["key"], Is.EqualTo("b"));
    }
}
