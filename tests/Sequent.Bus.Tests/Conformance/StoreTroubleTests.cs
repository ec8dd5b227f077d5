using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Tests.Delivering;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Both protocols: what sessions see of a store that fails.</summary>
internal sealed class StoreTroubleTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    private FakeTimeProvider _time = null!;
    private FaultyStore _events = null!;
    private FaultyDeliveryStore _deliveries = null!;
    private BusUnderTest _bus = null!;
    private WireClient _other = null!;

    [SetUp]
    public async Task Start()
    {
        var memory = new InMemoryStore();
        _time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddDays(1));
        (_events, _deliveries) = (new FaultyStore(memory), new FaultyDeliveryStore(memory));
        _bus = await BusUnderTest.StartOverAsync((_events, _deliveries), o => (o.RecentCommitBytes, o.MaxLosses) = (0, 1), _time);
        _other = await _bus.ConnectV2Async();
    }

    [TearDown]
    public async Task Stop()
    {
        (_events.AppendsFail, _events.RecoveryFails, _events.BeforeReading, _deliveries.Fails) = (false, false, null, false);
        await _other.DisposeAsync();
        await _bus.DisposeAsync();
    }

    private static string New(string key, string more = "") => $$"""{"message_type":"new"{{more}},"events":[{{WireClient.EventText(key)}}]}""";

    private static string Register(string clientType) => $$"""{"message_type":"register","client_type":"{{clientType}}","event_types":["*"]}""";

    private async Task<(HttpStatusCode Status, string Text)> ReadyAsync()
    {
        using var answer = await _bus.Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private Task UntilTroubleAsync() => Eventually.HoldsAsync(async () => (await ReadyAsync()).Text.Contains("The store failed", StringComparison.Ordinal), "the bus knows of the trouble");

    /// <summary>Lets time go by while the bus goes on answering.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Step)
        {
            _time.Advance(Step);
            await _other.ReceiveNothingElseAsync();
        }
    }

    [Test]
    public async Task In_trouble_a_v1_session_is_not_read_on_and_its_message_is_stored_in_the_end()
    {
        await using var old = await _bus.ConnectV1Async();
        _events.AppendsFail = true;
        await old.SendAsync(New("k"));
        await UntilTroubleAsync();
        string[] later = ["a", "b", "c"];
        foreach (var clientType in later)
            await old.SendAsync($$"""{"message_type":"register","client_type":"{{clientType}}","event_types":[]}""");
        await PassAsync(TimeSpan.FromSeconds(20));
        Assert.That((await _bus.AskAsync("/admin/client-types")).AsArray(), Has.Count.LessThanOrEqualTo(1), "at most the message whose reading had begun");
        _events.AppendsFail = false;
        var receipt = await _time.AdvanceUntilAsync(ReceiveAllAsync(old, later.Length + 1), Step);
        Assert.That(receipt.Select(m => (string?)m["message_type"]), Is.EquivalentTo(new[] { "receipt", "registration", "registration", "registration" }));
        Assert.That((string?)receipt.First(m => m["receipts"] is not null)["receipts"]![0]!["status"], Is.EqualTo("success"));
    }

    [Test]
    public async Task After_30_seconds_of_trouble_the_tcp_of_a_v1_session_ends_without_a_close_frame_and_without_an_answer()
    {
        using var old = await RawClient.ConnectAsync(_bus.Address);
        _events.AppendsFail = true;
        await old.SendTextAsync(New("k"));
        await UntilTroubleAsync();
        var ending = old.ReceiveToEndAsync();
        await PassAsync(TimeSpan.FromSeconds(28));
        Assert.That(ending.IsCompleted, Is.False, "it is kept for 30 seconds");
        Assert.That(await _time.AdvanceUntilAsync(ending, Step), Is.Empty);
    }

    [Test]
    public async Task In_trouble_a_v1_client_type_is_registered_in_the_end()
    {
        await using var old = await _bus.ConnectV1Async();
        _deliveries.Fails = true;
        await old.SendAsync(Register("accounts"));
        await Eventually.HoldsAsync(() => _deliveries.Failures > 0, "the client type could not be saved");
        await PassAsync(TimeSpan.FromSeconds(20));
        Assert.That(_deliveries.Failures, Is.GreaterThan(10), "it was tried again");
        _deliveries.Fails = false;
        Assert.That((string?)(await _time.AdvanceUntilAsync(old.ReceiveAsync(), Step))["message_type"], Is.EqualTo("registration"), "without any error before it");
    }

    [Test]
    public async Task A_v1_client_type_that_cannot_be_saved_for_30_seconds_ends_the_tcp_of_its_session()
    {
        using var old = await RawClient.ConnectAsync(_bus.Address);
        _deliveries.Fails = true;
        await old.SendTextAsync(Register("accounts"));
        Assert.That(await _time.AdvanceUntilAsync(old.ReceiveToEndAsync(), Step), Is.Empty);
    }

    [Test]
    public async Task In_trouble_a_v1_query_is_answered_in_the_end()
    {
        await using var old = await _bus.ConnectV1Async();
        await old.PublishAsync("k");
        var reads = 0;
        _events.BeforeReading = () => ++reads > 0 ? throw new StoreException("told to fail") : Task.CompletedTask;
        await old.SendAsync("""{"message_type":"query","event_types":["deposit"],"since":"1970-01-01T00:00:00Z"}""");
        await Eventually.HoldsAsync(() => reads > 0, "it was tried");
        await PassAsync(TimeSpan.FromSeconds(5));
        _events.BeforeReading = null;
        var rebuild = await _time.AdvanceUntilAsync(old.ReceiveAsync(), Step);
        Assert.That(rebuild["events"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [TestCase("""{"message_type":"new","request_id":"r","events":[{"consistency":{"key":"k"},"correlation_id":1,"data":1,"event_type":"t"}]}""")]
    [TestCase("""{"message_type":"register","request_id":"r","client_type":"accounts","event_types":["*"]}""")]
    [TestCase("""{"message_type":"query","request_id":"r"}""")]
    public async Task A_v2_session_is_told_at_once_and_stays(string text)
    {
        await _other.PublishAsync("stored");
        _events.BeforeReading = () => throw new StoreException("told to fail");
        (_events.AppendsFail, _deliveries.Fails) = (true, true);
        await _other.SendAsync(text);
        var error = await _other.ReceiveAsync("error");
        Assert.That(((string?)error["code"], (string?)error["request_id"]), Is.EqualTo(("store_unavailable", "r")));
        (_events.AppendsFail, _deliveries.Fails, _events.BeforeReading) = (false, false, null);
        await _other.SendAsync("""{"message_type":"sequence","request_id":"s","keys":["k"]}""");
        Assert.That((await _other.ReceiveAsync("sequences"))["values"]!.ToJsonString(), Is.EqualTo("""{"k":null}"""), "nothing of it was stored");
        await _other.SendAsync(text);
        Assert.That((string?)(await _other.ReceiveAsync())["message_type"], Is.Not.EqualTo("error"));
    }

    [Test]
    public async Task The_bus_is_not_ready_while_the_store_fails_and_ready_again_by_itself()
    {
        Assert.That((await ReadyAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
        _events.AppendsFail = true;
        Assert.That(await ReadyAsync(), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "told to fail\n")), "also before anybody publishes");
        await _other.SendAsync(New("k"));
        await _other.ReceiveAsync("error");
        Assert.That(await ReadyAsync(), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "The store failed; publishing is tried again.\n")));
        _events.AppendsFail = false;
        await Eventually.HoldsAsync(
            async () =>
            {
                _time.Advance(Step);
                return (await ReadyAsync()).Status == HttpStatusCode.OK;
            },
            "it is ready, although nobody publishes");
    }

    [Test]
    public async Task An_outcome_unknown_for_30_seconds_ends_the_session_and_what_it_held_is_not_to_blame()
    {
        using var client = await RawClient.ConnectAsync(_bus.Address, ("Sec-WebSocket-Protocol", "sequent.v2"));
        await client.SendTextAsync(Register("accounts"));
        await client.ReadUntilAsync("registration");
        await _other.PublishAsync("k");
        await client.ReadUntilAsync("\"delivery\":1");
        (_events.NextOutcome, _events.UnknownIsStored, _events.RecoveryFails) = (AppendOutcome.Unknown, true, true);
        await client.SendTextAsync(New("other", ",\"request_id\":\"r\""));
        Assert.That(await _time.AdvanceUntilAsync(client.ReceiveToEndAsync(), Step), Is.Empty, "no answer, and no Close frame");

        _events.RecoveryFails = false;
        await using var next = await _bus.ConnectV2Async();
        await next.RegisterAsync("accounts");
        var deliveries = await _time.AdvanceUntilAsync(next.ReceiveDeliveriesAsync(2), Step);
        Assert.That(deliveries.Select(e => (string?)e["consistency"]!["key"]), Is.EquivalentTo(new[] { "k", "other" }), "with max_losses 1 a loss would have made a dead letter of the first");
    }

    [Test]
    public async Task A_session_that_has_to_be_ended_ends_although_it_waits_for_the_store()
    {
        using var old = await RawClient.ConnectAsync(_bus.Address);
        await old.SendTextAsync(Register("accounts"));
        await old.ReadUntilAsync("registration");
        _events.BeforeReading = () => throw new StoreException("told to fail");
        await _other.PublishAsync("k"); // it cannot be read, so it cannot be sent
        _events.AppendsFail = true;
        await old.SendTextAsync(New("k"));
        await UntilTroubleAsync();
        await _time.AdvanceUntilAsync(old.ReadToEndAsync(), Step);
        Assert.That(_bus.Logged(LogLevel.Warning), Has.Some.Contains("waits for events that cannot be read"));
    }

    private static async Task<List<JsonObject>> ReceiveAllAsync(WireClient client, int count)
    {
        var messages = new List<JsonObject>();
        while (messages.Count < count)
            messages.Add(await client.ReceiveAsync());
        return messages;
    }
}
