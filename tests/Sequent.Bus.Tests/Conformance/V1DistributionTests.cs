using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v1, sections 3, 6, 7 and 8: who gets what.</summary>
internal sealed class V1DistributionTests : WireTest
{
    [Test]
    public async Task A_registration_is_echoed_exactly()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync("""{"client_type":"transaction","event_types":["b","a","b"],"message_type":"register"}""");
        Assert.That(await client.ReceiveTextAsync(), Is.EqualTo("""{"client_type":"transaction","event_types":["b","a","b"],"message_type":"registration"}"""));
    }

    [Test]
    public async Task The_scenario_of_the_samples_document_is_followed()
    {
        await using var producer = await Bus.ConnectV1Async();
        var clients = new List<WireClient>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await Bus.ConnectV1Async());
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
        await using var producer = await Bus.ConnectV1Async();
        await using var accounts = await Bus.ConnectV1Async();
        await using var audit = await Bus.ConnectV1Async();
        await accounts.RegisterAsync("accounts");
        await audit.RegisterAsync("audit");
        await producer.PublishAsync("k");
        await accounts.ReceiveAsync("event");
        await audit.ReceiveAsync("event");
    }

    [Test]
    public async Task Only_instances_that_take_the_type_are_chosen()
    {
        await using var producer = await Bus.ConnectV1Async();
        await using var deposits = await Bus.ConnectV1Async();
        await using var withdrawals = await Bus.ConnectV1Async();
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
        await using var producer = await Bus.ConnectV1Async();
        var first = await Bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        for (var i = 0; i < 20; i++)
            await producer.PublishAsync($"k{i % 3}");
        var held = new List<JsonObject>();
        for (var i = 0; i < 20; i++)
            held.Add(await first.ReceiveAsync("event"));
        await using var second = await Bus.ConnectV1Async();
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
        await using var producer = await Bus.ConnectV1Async();
        var first = await Bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await first.CloseAsync();
        await producer.PublishAsync("k", data: "1");
        await producer.PublishAsync("k", data: "2");
        await using var second = await Bus.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        Assert.That((int?)(await second.ReceiveAsync("event"))["data"], Is.EqualTo(1), "pending events come before the registration");
        Assert.That((int?)(await second.ReceiveAsync("event"))["data"], Is.EqualTo(2));
        await second.ReceiveAsync("registration");
    }

    [Test]
    public async Task A_client_type_never_seen_gets_nothing_of_the_past()
    {
        await using var client = await Bus.ConnectV1Async();
        await client.PublishAsync("k", data: "1");
        await client.RegisterAsync("late");
        await client.PublishAsync("k", data: "2");
        Assert.That((int?)(await client.ReceiveAsync("event"))["data"], Is.EqualTo(2));
    }

    [Test]
    public async Task Registering_again_replaces_the_event_types_and_keeps_the_keys()
    {
        await using var producer = await Bus.ConnectV1Async();
        await using var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV1Async();
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
        await using var client = await Bus.ConnectV1Async();
        await client.SendAsync("""{"message_type":"ack","consistency":{"key":"nobody","value":3}}""");
        await client.RegisterAsync("accounts");
        await client.SendAsync("""{"message_type":"ack","consistency":{"key":"nobody","value":3}}""");
        Assert.That((string?)(await client.PublishAsync("k"))["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task What_was_sent_to_a_type_that_never_acks_can_be_taken_as_acked()
    {
        await using var bus = await BusUnderTest.StartAsync(o => o.AcksSent.Add("accounts"));
        await using var producer = await bus.ConnectV1Async();
        var first = await bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await producer.PublishAsync("k", data: "1");
        await first.ReceiveAsync("event");
        await first.CloseAsync();
        await producer.PublishAsync("k", data: "2");
        await using var second = await bus.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        Assert.That((int)(await second.ReceiveAsync("event"))["data"]!, Is.EqualTo(2));
    }

    [Test]
    public async Task A_star_among_other_names_is_a_name_and_no_names_are_none()
    {
        await using var star = await Bus.ConnectV1Async();
        await using var none = await Bus.ConnectV1Async();
        await using var producer = await Bus.ConnectV1Async();
        await star.RegisterAsync("star", """["*","deposit"]""");
        await none.RegisterAsync("none", "[]");
        await producer.PublishAsync("k", type: "withdrawal");
        await producer.PublishAsync("k", type: "*");
        Assert.That((string?)(await star.ReceiveAsync("event"))["event_type"], Is.EqualTo("*"));
        Assert.That((string?)(await none.PublishAsync("k"))["status"], Is.EqualTo("success"), "its next message is no event");
    }

    [Test]
    public async Task Whoever_never_registered_gets_no_events()
    {
        await using var client = await Bus.ConnectV1Async();
        for (var i = 0; i < 5; i++)
            await client.PublishAsync("k");
    }

    [Test]
    public async Task Another_client_type_on_the_same_connection_leaves_nothing_of_the_former_one()
    {
        await using var producer = await Bus.ConnectV1Async();
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("former");
        await producer.PublishAsync("k", data: "1");
        await client.ReceiveAsync("event");
        await client.RegisterAsync("later");
        await producer.PublishAsync("k", data: "2");
        Assert.That((int)(await client.ReceiveAsync("event"))["data"]!, Is.EqualTo(2));
        await using var other = await Bus.ConnectV1Async();
        await other.SendAsync("""{"client_type":"former","event_types":["*"],"message_type":"register"}""");
        Assert.That((int)(await other.ReceiveAsync("event"))["data"]!, Is.EqualTo(1), "what was unacked stays with its type");
        Assert.That((int)(await other.ReceiveAsync("event"))["data"]!, Is.EqualTo(2), "and the former key is the connection's no more");
    }

    [Test]
    public async Task Nothing_limits_what_an_instance_holds_and_nothing_is_sent_twice_while_it_lives()
    {
        await using var producer = await Bus.ConnectV1Async();
        await using var client = await Bus.ConnectV1Async();
        await client.RegisterAsync("accounts");
        for (var i = 0; i < 10; i++)
            await producer.SendAsync($$"""{"message_type":"new","events":[{{string.Join(',', Enumerable.Range(0, 200).Select(_ => WireClient.EventText("k")))}}]}""");
        for (var i = 0; i < 2_000; i++)
            Assert.That((int)(await client.ReceiveAsync("event"))["consistency"]!["value"]!, Is.EqualTo(i));
        Assert.That((string?)(await client.PublishAsync("k", 2_000))["status"], Is.EqualTo("success"), "the receipt is its next message");
    }

    [Test]
    public async Task Acks_may_come_in_any_order_with_fields_lost_and_data_printed_anew()
    {
        await using var producer = await Bus.ConnectV1Async();
        var first = await Bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        for (var i = 0; i < 3; i++)
            await producer.PublishAsync("k", data: """{"b":0.1,"a":1}""");
        var events = new List<JsonObject>();
        for (var i = 0; i < 3; i++)
            events.Add(await first.ReceiveAsync("event"));
        foreach (var i in new[] { 2, 0 })
        {
            events[i]["message_type"] = "ack";
            events[i]["data"] = JsonNode.Parse("""{"a":1.0,"b":0.10000000000000001}""");
            await first.SendAsync(events[i].ToJsonString());
        }

        await first.CloseAsync();
        await using var second = await Bus.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        Assert.That((int)(await second.ReceiveAsync("event"))["consistency"]!["value"]!, Is.EqualTo(1), "the one that was not acked");
        await second.ReceiveAsync("registration");
    }

    [Test]
    public async Task An_ack_of_another_connection_settles_nothing()
    {
        await using var producer = await Bus.ConnectV1Async();
        var first = await Bus.ConnectV1Async();
        await using var second = await Bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("k");
        var e = await first.ReceiveAsync("event");
        e["message_type"] = "ack";
        await second.SendAsync(e.ToJsonString());
        Assert.That((string?)(await second.PublishAsync("other"))["status"], Is.EqualTo("success"), "the ack was read");
        var own = await second.ReceiveAsync("event");
        Assert.That((string?)own["consistency"]!["key"], Is.EqualTo("other"));
        await first.CloseAsync();
        Assert.That((string?)(await second.ReceiveAsync("event"))["consistency"]!["key"], Is.EqualTo("k"));
    }
}
