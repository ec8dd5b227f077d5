using System.Net.WebSockets;
using System.Text.Json.Nodes;

namespace Sequent.Bus.Tests.Wire;

/// <summary>What clients of the original bus rely on.</summary>
internal sealed class V1Tests
{
    private BusUnderTest _bus = null!;

    [SetUp]
    public async Task StartBus() => _bus = await BusUnderTest.StartAsync();

    [TearDown]
    public async Task StopBus() => await _bus.DisposeAsync();

    [Test]
    public async Task A_registration_is_echoed_exactly()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync("""{"client_type":"transaction","event_types":["b","a","b"],"message_type":"register"}""");
        Assert.That(await client.ReceiveTextAsync(), Is.EqualTo("""{"client_type":"transaction","event_types":["b","a","b"],"message_type":"registration"}"""));
    }

    [Test]
    public async Task A_receipt_has_a_checksum_and_a_status_per_event_and_nothing_else()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k", 0, data: """{"b":1,"a":2}""")}},{{WireClient.EventText("k", 5)}}],"message_type":"new"}""");
        var receipt = await client.ReceiveAsync("receipt");
        var entries = receipt["receipts"]!.AsArray();
        Assert.That(entries[0]!.ToJsonString(), Is.EqualTo($$"""{"checksum":"{{Protocol.Checksum.Compute("""{"a":2,"b":1}"""u8)}}","status":"success"}"""));
        Assert.That((string?)entries[1]!["status"], Is.EqualTo("inconsistent"));
        Assert.That((string?)receipt["sender"], Does.Match(@"^V4\(127\.0\.0\.1:\d+\)$"));
        Assert.That((string?)receipt["timestamp"], Does.Match(@"^\w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$"));
    }

    [Test]
    public async Task An_event_carries_the_nine_fields_in_order_with_canonical_data()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.RegisterAsync("accounts");
        await client.PublishAsync("acc-234", "\"*\"", data: """{ "b" : 50.00, "a":"x" }""");
        var text = await client.ReceiveTextAsync();
        var e = JsonNode.Parse(text)!.AsObject();
        Assert.That(e.Select(p => p.Key), Is.EqualTo(new[] { "consistency", "correlation_id", "data", "event_type", "message_type", "sender", "session_id", "timestamp", "timestamp_raw" }));
        Assert.That(text, Does.Contain("""{"consistency":{"key":"acc-234","value":0},"correlation_id":7,"data":{"a":"x","b":50.0},"event_type":"deposit","message_type":"event","sender":"V4("""));
        Assert.That(text, Does.Match("\"session_id\":\\d+,"));
    }

    [TestCase("0", ExpectedResult = "success")]
    [TestCase("\"0\"", ExpectedResult = "success")]
    [TestCase("\"+0\"", ExpectedResult = "success")]
    [TestCase("\"00\"", ExpectedResult = "success")]
    [TestCase("\"*\"", ExpectedResult = "success")]
    [TestCase(null, ExpectedResult = "success")]
    [TestCase("1", ExpectedResult = "inconsistent")]
    public async Task<string?> A_first_value_is_taken_in_these_forms(string? value)
    {
        await using var client = await _bus.ConnectV1Async();
        return (string?)(await client.PublishAsync("k", value))["status"];
    }

    [TestCase("4294967296")]
    [TestCase("\"4294967296\"")]
    [TestCase("\"-1\"")]
    [TestCase("\" 5\"")]
    [TestCase("\"\"")]
    [TestCase("-1")]
    [TestCase("-0")]
    [TestCase("1.0")]
    [TestCase("null")]
    [TestCase("[1]")]
    public async Task A_bad_value_makes_the_whole_message_ignored(string value)
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("good", 0)}},{{WireClient.EventText("bad", value)}}],"message_type":"new"}""");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("invalid_message"));
        Assert.That((string?)(await client.PublishAsync("good", 0))["status"], Is.EqualTo("success"), "nothing of the bad message was stored");
    }

    [TestCase("nonsense")]
    [TestCase("[1,2]")]
    [TestCase("{}")]
    [TestCase("""{"message_type":7}""")]
    [TestCase("""{"message_type":"event"}""")]
    [TestCase("""{"message_type":"nack","delivery":1}""")]
    [TestCase("""{"message_type":"register","client_type":"x"}""")]
    [TestCase("""{"message_type":"register","client_type":"x","event_types":["a"],"client_type":"y"}""")]
    [TestCase("""{"message_type":"query","event_types":["a"],"since":"yesterday"}""")]
    [TestCase("""{"message_type":"new","events":[{"consistency":{"key":"k"},"correlation_id":94859829321,"data":1,"event_type":"t"}]}""")]
    public async Task Bad_input_is_answered_with_error_and_leaves_the_connection_open(string text)
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync(text);
        await client.ReceiveAsync("error");
        Assert.That((string?)(await client.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task Errors_are_told_at_most_ten_times_a_second()
    {
        await using var client = await _bus.ConnectV1Async();
        for (var i = 0; i < 200; i++)
            await client.SendAsync("nonsense");
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k")}}],"message_type":"new"}""");
        var errors = 0;
        while ((string?)(await client.ReceiveAsync())["message_type"] == "error")
            errors++;
        Assert.That(errors, Is.InRange(1, 40));
    }

    [Test]
    public async Task Binary_and_fragmented_messages_are_read()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync("""{"client_type":"a","event_ty"""u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: false);
        await client.SendAsync("""pes":[],"message_type":"register"}"""u8.ToArray(), WebSocketMessageType.Binary);
        await client.ReceiveAsync("registration");
    }

    [Test]
    public async Task Invalid_utf8_in_a_binary_message_is_ignored()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync([.. """{"client_type":"a"""u8, 0xff, .. "\",\"event_types\":[],\"message_type\":\"register\"}"u8], WebSocketMessageType.Binary);
        await client.ReceiveAsync("error");
    }

    [Test]
    public async Task A_message_over_the_limit_is_ignored_whole()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync($$"""{"events":[{{WireClient.EventText("k", data: $"\"{new string('x', 1_100_000)}\"")}}],"message_type":"new"}""");
        Assert.That((string?)(await client.ReceiveAsync("error"))["code"], Is.EqualTo("message_too_large"));
        Assert.That((string?)(await client.PublishAsync("k", 0))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task The_scenario_of_the_samples_document_is_followed()
    {
        await using var producer = await _bus.ConnectV1Async();
        var clients = new List<WireClient>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await _bus.ConnectV1Async());
            await clients[^1].RegisterAsync("accounts");
        }

        (string Key, int Client)[] scenario = [("234", 1), ("358", 2), ("234", 1), ("876", 3), ("358", 2), ("234", 1), ("987", 1), ("236", 2)];
        foreach (var (key, number) in scenario)
        {
            await producer.PublishAsync(key);
            var e = await clients[number - 1].ReceiveAsync("event");
            Assert.That((string?)e["consistency"]!["key"], Is.EqualTo(key));
        }
    }

    [Test]
    public async Task Each_event_goes_to_one_instance_of_every_client_type()
    {
        await using var producer = await _bus.ConnectV1Async();
        await using var accounts = await _bus.ConnectV1Async();
        await using var audit = await _bus.ConnectV1Async();
        await accounts.RegisterAsync("accounts");
        await audit.RegisterAsync("audit");
        await producer.PublishAsync("k");
        await accounts.ReceiveAsync("event");
        await audit.ReceiveAsync("event");
    }

    [Test]
    public async Task Only_instances_that_take_the_type_are_chosen()
    {
        await using var producer = await _bus.ConnectV1Async();
        await using var deposits = await _bus.ConnectV1Async();
        await using var withdrawals = await _bus.ConnectV1Async();
        await deposits.RegisterAsync("accounts", """["deposit"]""");
        await withdrawals.RegisterAsync("accounts", """["withdrawal"]""");
        await producer.PublishAsync("a", type: "withdrawal");
        await producer.PublishAsync("b", type: "deposit");
        Assert.That((string?)(await withdrawals.ReceiveAsync("event"))["event_type"], Is.EqualTo("withdrawal"));
        Assert.That((string?)(await deposits.ReceiveAsync("event"))["event_type"], Is.EqualTo("deposit"));
    }

    [Test]
    public async Task Unacked_events_go_to_another_instance_in_log_order_when_the_connection_ends([Values] bool politely)
    {
        await using var producer = await _bus.ConnectV1Async();
        var first = await _bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        for (var i = 0; i < 20; i++)
            await producer.PublishAsync($"k{i % 3}");
        var held = new List<JsonObject>();
        for (var i = 0; i < 20; i++)
            held.Add(await first.ReceiveAsync("event"));
        await using var second = await _bus.ConnectV1Async();
        await second.RegisterAsync("accounts");

        held[0]["message_type"] = "ack";
        await first.SendAsync(held[0].ToJsonString());
        if (politely)
            await first.CloseAsync();
        else
            first.Abort();

        var seen = new List<JsonObject>();
        for (var i = 0; i < 19; i++)
            seen.Add(await second.ReceiveAsync("event"));
        foreach (var key in new[] { "k0", "k1", "k2" })
        {
            var before = held.Skip(1).Where(e => (string?)e["consistency"]!["key"] == key).Select(e => e.ToJsonString());
            Assert.That(seen.Where(e => (string?)e["consistency"]!["key"] == key).Select(e => e.ToJsonString()), Is.EqualTo(before), "identical, in order");
        }
    }

    [Test]
    public async Task Events_wait_for_a_known_client_type_without_instances()
    {
        await using var producer = await _bus.ConnectV1Async();
        var first = await _bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await first.CloseAsync();
        await producer.PublishAsync("k", data: "1");
        await producer.PublishAsync("k", data: "2");
        await using var second = await _bus.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        Assert.That((int?)(await second.ReceiveAsync("event"))["data"], Is.EqualTo(1), "pending events come before the registration");
        Assert.That((int?)(await second.ReceiveAsync("event"))["data"], Is.EqualTo(2));
        await second.ReceiveAsync("registration");
    }

    [Test]
    public async Task A_client_type_never_seen_gets_nothing_of_the_past()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.PublishAsync("k", data: "1");
        await client.RegisterAsync("late");
        await client.PublishAsync("k", data: "2");
        Assert.That((int?)(await client.ReceiveAsync("event"))["data"], Is.EqualTo(2));
    }

    [Test]
    public async Task Registering_again_replaces_the_event_types_and_keeps_the_keys()
    {
        await using var producer = await _bus.ConnectV1Async();
        await using var first = await _bus.ConnectV1Async();
        await using var second = await _bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("a");
        await first.ReceiveAsync("event");
        await first.RegisterAsync("accounts");
        await producer.PublishAsync("a");
        await first.ReceiveAsync("event");
        await producer.PublishAsync("b");
        await second.ReceiveAsync("event");
        await producer.PublishAsync("c");
        await first.ReceiveAsync("event");
    }

    [Test]
    public async Task Acks_that_match_nothing_are_harmless()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.SendAsync("""{"message_type":"ack","consistency":{"key":"nobody","value":3}}""");
        await client.RegisterAsync("accounts");
        await client.SendAsync("""{"message_type":"ack","consistency":{"key":"nobody","value":3}}""");
        Assert.That((string?)(await client.PublishAsync("k"))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task A_query_is_answered_by_one_rebuild_in_log_order()
    {
        await using var client = await _bus.ConnectV1Async();
        for (var i = 0; i < 1_200; i++)
            await client.SendAsync($$"""{"events":[{{WireClient.EventText($"k{i % 7}", type: i % 2 == 0 ? "even" : "odd", data: $"{i}")}}],"message_type":"new"}""");
        for (var i = 0; i < 1_200; i++)
            await client.ReceiveAsync("receipt");
        await client.SendAsync("""{"event_types":["even"],"message_type":"query","since":"*"}""");
        var events = (await client.ReceiveAsync("rebuild"))["events"]!.AsArray();
        Assert.That(events.Select(e => (int)e!["data"]!), Is.EqualTo(Enumerable.Range(0, 600).Select(i => i * 2)));
        Assert.That((string?)events[0]!["message_type"], Is.EqualTo("rebuild"));
    }

    [TestCase("[\"*\"]")]
    [TestCase("[]")]
    public async Task A_query_knows_no_wildcard(string types)
    {
        await using var client = await _bus.ConnectV1Async();
        await client.PublishAsync("k");
        await client.SendAsync($$"""{"event_types":{{types}},"message_type":"query","since":"1970-01-01T00:00:00+00:00"}""");
        Assert.That((await client.ReceiveAsync("rebuild"))["events"]!.AsArray(), Is.Empty);
    }

    [Test]
    public async Task Since_is_strict_and_in_whole_seconds()
    {
        await using var client = await _bus.ConnectV1Async();
        await client.RegisterAsync("a");
        await client.PublishAsync("k");
        var second = (long)(await client.ReceiveAsync("event"))["timestamp_raw"]!;
        async Task<int> CountSince(long unix)
        {
            var since = DateTimeOffset.FromUnixTimeSeconds(unix).ToString("yyyy-MM-ddTHH:mm:ss.999999+00:00", System.Globalization.CultureInfo.InvariantCulture);
            await client.SendAsync($$"""{"event_types":["deposit"],"message_type":"query","since":"{{since}}"}""");
            return (await client.ReceiveAsync("rebuild"))["events"]!.AsArray().Count;
        }

        Assert.That(await CountSince(second), Is.Zero);
        Assert.That(await CountSince(second - 1), Is.EqualTo(1));
    }

    [Test]
    public async Task Any_path_is_served_without_a_subprotocol()
    {
        await using var client = await WireClient.ConnectAsync(new Uri(_bus.Address, "/any/where"), Protocol.ProtocolVersion.V1);
        Assert.That(client.Subprotocol, Is.Null);
        await client.RegisterAsync("a");
    }

    [Test]
    public void A_page_of_a_stranger_may_not_connect() =>
        Assert.That(
            async () => await WireClient.ConnectAsync(_bus.Address, Protocol.ProtocolVersion.V1, "http://evil.example"),
            Throws.InstanceOf<WebSocketException>().With.Message.Contains("403"));

    [Test]
    public async Task The_buses_own_origin_may_connect()
    {
        await using var client = await WireClient.ConnectAsync(_bus.Address, Protocol.ProtocolVersion.V1, $"http://{_bus.Address.Authority}");
        await client.RegisterAsync("a");
    }
}
