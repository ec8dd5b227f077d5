using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>v2, consuming: how instances leave, are lost, are late, and what becomes of what they held.</summary>
internal sealed class V2LeavingTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Start);

    private BusUnderTest _bus = null!;
    private WireClient _producer = null!;

    private async Task StartAsync(Action<SequentBusOptions>? configure = null)
    {
        _bus = await BusUnderTest.StartAsync(configure, _time);
        _producer = await _bus.ConnectV2Async();
    }

    [TearDown]
    public async Task Stop()
    {
        await _producer.DisposeAsync();
        await _bus.DisposeAsync();
    }

    private async Task<WireClient> JoinAsync(string types = """["*"]""", string more = "")
    {
        var client = await _bus.ConnectV2Async();
        await client.RegisterAsync("accounts", types, more);
        return client;
    }

    private static IEnumerable<int> Data(IEnumerable<JsonObject> deliveries) => deliveries.Select(e => (int)e["data"]!);

    [Test]
    public async Task Unregister_revokes_what_is_held_and_it_moves_on_at_once()
    {
        await StartAsync();
        await using var first = await JoinAsync();
        await _producer.PublishAsync("k", data: "1");
        await first.ReceiveDeliveriesAsync(1);
        await using var second = await JoinAsync();
        await first.SendAsync("""{"message_type":"unregister"}""");
        Assert.That((await first.ReceiveAsync("revoked"))["deliveries"]!.ToJsonString(), Is.EqualTo("[1]"));
        Assert.That((string?)(await first.ReceiveAsync("unregistered"))["client_type"], Is.EqualTo("accounts"));
        var moved = (await second.ReceiveDeliveriesAsync(1))[0];
        Assert.That(((int)moved["data"]!, (bool)moved["redelivered"]!, (int)moved["attempt"]!), Is.EqualTo((1, true, 1)));
    }

    [Test]
    public async Task Delivery_numbers_go_on_after_unregister()
    {
        await StartAsync();
        await using var client = await JoinAsync();
        await _producer.PublishAsync("k", data: "1");
        await client.ReceiveDeliveriesAsync(1);
        await client.SendAsync("""{"message_type":"unregister"}""");
        await client.ReceiveAsync("revoked");
        await client.ReceiveAsync("unregistered");
        await client.RegisterAsync("accounts");
        Assert.That((long)(await client.ReceiveDeliveriesAsync(1))[0]["delivery"]!, Is.EqualTo(2));
    }

    [Test]
    public async Task Unregister_with_drain_sends_nothing_new_and_ends_when_all_is_settled()
    {
        await StartAsync();
        await using var first = await JoinAsync();
        await _producer.PublishAsync("k", data: "1");
        await first.ReceiveDeliveriesAsync(1);
        await using var second = await JoinAsync();
        await first.SendAsync("""{"message_type":"unregister","drain":true}""");
        await first.ReceiveNothingElseAsync();
        await _producer.PublishAsync("k", data: "2");
        await _producer.PublishAsync("other", data: "3");
        Assert.That(Data(await second.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 3 }), "the key of what is held waits for it");
        await first.SendAsync("""{"message_type":"ack","deliveries":[1]}""");
        await first.ReceiveAsync("unregistered");
        Assert.That(Data(await second.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public async Task An_ack_deadline_counts_as_a_failure_of_the_head_of_its_key_and_an_extension_moves_it()
    {
        await StartAsync(o => o.AckDeadline = TimeSpan.FromSeconds(10));
        await using var client = await JoinAsync();
        await _producer.PublishAsync("slow", data: "1");
        await _producer.PublishAsync("late", data: "2");
        await _producer.PublishAsync("late", data: "3");
        await client.ReceiveDeliveriesAsync(3);
        await client.SendAsync("""{"message_type":"extend","deliveries":[1],"ms":60000}""");
        await client.ReceiveNothingElseAsync();
        await AdvanceUntilAsync(client, TimeSpan.FromSeconds(2), "revoked", m => Assert.That(m["deliveries"]!.ToJsonString(), Is.EqualTo("[2,3]")));
        var again = await AdvanceUntilAsync(client, TimeSpan.FromSeconds(1), "events");
        Assert.That(again["events"]!.AsArray().Select(e => ((int)e!["data"]!, (int)e["attempt"]!)).First(), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task A_lost_session_counts_for_the_head_of_each_key_and_in_the_end_makes_it_a_dead_letter()
    {
        await StartAsync(o => o.MaxLosses = 3);
        await using (var first = await JoinAsync())
        {
            await _producer.PublishAsync("k", data: "1");
            await _producer.PublishAsync("k", data: "2");
            await first.ReceiveDeliveriesAsync(2);
            await first.CloseAsync(); // a goodbye is no loss
        }

        for (var loss = 0; loss < 3; loss++)
        {
            var client = await JoinAsync();
            Assert.That(Data(await client.ReceiveDeliveriesAsync(2)), Is.EqualTo(new[] { 1, 2 }));
            _time.Advance(TimeSpan.FromSeconds(6)); // losses within 5 s count once
            client.Abort();
            await UntilNobodyIsThereAsync();
        }

        await using var last = await JoinAsync();
        Assert.That(Data(await last.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 2 }), "the first one was given up");
    }

    [Test]
    public async Task Losses_within_5_seconds_count_once()
    {
        await StartAsync(o => o.MaxLosses = 2);
        await _producer.PublishAsync("k", data: "1");
        await using (var known = await JoinAsync(more: ",\"start\":\"earliest\""))
            await known.CloseAsync(); // a goodbye is no loss
        await LoseAsync();
        await LoseAsync();
        _time.Advance(TimeSpan.FromSeconds(4));
        await LoseAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        await LoseAsync();
        await _producer.PublishAsync("k", data: "2");
        await using var last = await JoinAsync();
        Assert.That(Data(await last.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 2 }), "the second loss that counts was the last one");

        async Task LoseAsync()
        {
            var client = await JoinAsync();
            Assert.That(Data(await client.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 1 }));
            client.Abort();
            await UntilNobodyIsThereAsync();
        }
    }

    [Test]
    public async Task What_only_a_lost_instance_took_is_owed_until_its_grace_ends()
    {
        await StartAsync(o => o.InterestGrace = TimeSpan.FromMinutes(10));
        await using var even = await JoinAsync("""["even"]""");
        var odd = await JoinAsync("""["odd"]""");
        odd.Abort();
        await UntilSessionsAsync(2);
        await _producer.PublishAsync("k", type: "odd", data: "1");
        await _producer.PublishAsync("k", type: "even", data: "2");
        await even.ReceiveNothingElseAsync();
        var released = await AdvanceUntilAsync(even, TimeSpan.FromMinutes(3), "events");
        Assert.That(released["events"]!.AsArray().Select(e => (int)e!["data"]!), Is.EqualTo(new[] { 2 }), "no_taker: the key goes on without the one nobody takes");
    }

    [Test]
    public async Task An_instance_that_comes_back_within_the_grace_gets_what_was_kept_for_it()
    {
        await StartAsync();
        await using var even = await JoinAsync("""["even"]""");
        var odd = await JoinAsync("""["odd"]""");
        odd.Abort();
        await UntilSessionsAsync(2);
        await _producer.PublishAsync("k", type: "odd", data: "1");
        await using var again = await JoinAsync("""["odd"]""");
        Assert.That(Data(await again.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public async Task A_register_without_a_type_ends_that_type_at_once()
    {
        await StartAsync();
        await using var client = await JoinAsync("""["even","odd"]""");
        await client.RegisterAsync("accounts", """["even"]""");
        await _producer.PublishAsync("k", type: "odd", data: "1");
        await _producer.PublishAsync("k", type: "even", data: "2");
        Assert.That(Data(await client.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public async Task A_key_passes_over_an_instance_whose_window_is_full()
    {
        await StartAsync();
        await using var full = await JoinAsync(more: ",\"max_in_flight\":1");
        await using var free = await JoinAsync();
        await _producer.PublishAsync("a", data: "1");
        await full.ReceiveDeliveriesAsync(1);
        foreach (var key in new[] { "b", "c", "d" })
            await _producer.PublishAsync(key, data: "2");
        Assert.That(await free.ReceiveDeliveriesAsync(3), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_nack_without_a_delay_backs_off()
    {
        await StartAsync();
        await using var client = await JoinAsync();
        await _producer.PublishAsync("k", data: "1");
        await client.ReceiveDeliveriesAsync(1);
        await client.SendAsync("""{"message_type":"nack","delivery":1}""");
        await client.ReceiveAsync("revoked");
        await client.ReceiveNothingElseAsync();
        await AdvanceUntilAsync(client, TimeSpan.FromMilliseconds(60), "events");
    }

    [Test]
    public async Task After_max_deliveries_failures_an_event_is_given_up()
    {
        await StartAsync(o => o.MaxDeliveries = 3);
        await using var client = await JoinAsync();
        await _producer.PublishAsync("k", data: "1");
        for (var failure = 1; failure <= 3; failure++)
        {
            var e = (await client.ReceiveDeliveriesAsync(1))[0];
            Assert.That((int)e["attempt"]!, Is.EqualTo(failure));
            await client.SendAsync($$"""{"message_type":"nack","delivery":{{failure}},"delay_ms":0}""");
            await client.ReceiveAsync("revoked");
        }

        await _producer.PublishAsync("k", data: "2");
        Assert.That(Data(await client.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { 2 }));
    }

    /// <summary>Moves the clock step by step until a message comes, which must be of this type.</summary>
    private async Task<JsonObject> AdvanceUntilAsync(WireClient client, TimeSpan step, string messageType, Action<JsonObject>? check = null)
    {
        var receiving = client.ReceiveAsync(messageType);
        for (var steps = 0; steps < 200 && !receiving.IsCompleted; steps++)
        {
            _time.Advance(step);
            await Task.WhenAny(receiving, Task.Delay(20));
        }

        var message = await receiving;
        check?.Invoke(message);
        return message;
    }

    private Task UntilNobodyIsThereAsync() => UntilSessionsAsync(1);

    /// <summary>So many sessions are left, the producer's own among them.</summary>
    private async Task UntilSessionsAsync(int count)
    {
        using var http = new HttpClient { BaseAddress = new UriBuilder(_bus.Address) { Scheme = "http" }.Uri };
        for (var tries = 0; tries < 500; tries++)
        {
            if (JsonNode.Parse(await http.GetStringAsync(new Uri("/admin/sessions", UriKind.Relative)))!.AsArray().Count == count)
                return;
            await Task.Delay(10);
        }

        Assert.Fail($"There were never {count} sessions.");
    }
}
