using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Delivering;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Bus.Tests.Delivering;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Operating;

/// <summary>What is counted under the meter Sequent, and logged beside.</summary>
internal sealed class MeterTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private Measurements _measured = null!;

    [SetUp]
    public void Listen() => _measured = new Measurements();

    [TearDown]
    public void StopListening() => _measured.Dispose();

    [Test]
    public async Task Errors_that_a_v1_session_is_not_told_are_counted_and_each_is_logged()
    {
        await using var bus = await BusUnderTest.StartAsync(null, _time); // it stays the same second
        await using var client = await bus.ConnectV1Async();
        for (var i = 0; i < 25; i++)
            await client.SendAsync("nonsense");
        for (var i = 0; i < 10; i++)
            await client.ReceiveAsync("error");
        await client.PublishAsync("k"); // its receipt is the next thing it is told
        Assert.That(_measured["sequent.bus.errors_not_told"], Is.EqualTo(15));
        Assert.That(bus.Logged(LogLevel.Debug).Count(line => line.Contains("a message was ignored, malformed_json", StringComparison.Ordinal)), Is.EqualTo(25));
    }

    [Test]
    public async Task Dead_letters_are_counted_and_logged_without_their_reason()
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using var client = await bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k")}}]}""");
        await client.ReceiveAsync("receipt");
        await client.ReceiveDeliveriesAsync(1);
        await client.SendAsync("""{"message_type":"nack","delivery":1,"dead_letter":true,"reason":"the amount was 13.00"}""");
        await Eventually.HoldsAsync(() => _measured["sequent.bus.dead_letters"] == 1, "it is counted");
        Assert.That(bus.Logged(LogLevel.Warning), Has.One.EqualTo("Client type accounts: the event at position 1 is a dead letter after 1 failures; /admin/dead-letter tells why"));
        Assert.That(bus.Logged(LogLevel.Debug).Concat(bus.Logged(LogLevel.Information)), Has.None.Contains("13.00"), "a reason may hold what events do");
    }

    [Test]
    public async Task What_counts_as_acked_because_nobody_acks_is_counted_and_told_once_a_minute()
    {
        await using var served = new Served(new DeliveryLimits { MaxNeverAcked = 2 }, _time);
        var old = new Instance(new Inbox(), TypeFilter.All, int.MaxValue, int.MaxValue, 0);
        await served.Loop.PostAsync(queue => queue.Join(old), default);
        await served.CommitAsync("a", "b", "c", "d", "e");
        await served.Loop.PostAsync(queue => queue.Sent(old, 5), default);
        await UntilAsync("sequent.bus.counted_as_acked", 3);
        await served.CommitAsync("f");
        await served.Loop.PostAsync(queue => queue.Sent(old, 6), default);
        await UntilAsync("sequent.bus.counted_as_acked", 4);
        Assert.That(served.Log.At(LogLevel.Warning), Is.EqualTo(new[] { "Client type accounts: its old clients never ack and hold too much; 3 events counted as acked so far. Start the bus with --acks-sent for it" }));
    }

    [Test]
    public async Task A_cursor_that_waits_for_keys_is_counted_and_told()
    {
        await using var served = new Served(new DeliveryLimits { MaxKeysInDebt = 2 }, _time);
        var instance = new Instance(new Inbox(), TypeFilter.All, 100, 100, 0) { Name = "one" };
        await served.Loop.PostAsync(queue => queue.Join(instance), default);
        await served.CommitAsync("a", "b", "c", "d");
        await UntilAsync("sequent.bus.cursor_waits", 1);
        Assert.That(served.Log.At(LogLevel.Warning), Is.EqualTo(new[] { "Client type accounts has 2 keys with something unsettled; nothing after position 2 is handed out until some are settled" }));
        await served.Loop.PostAsync(queue => queue.Ack(instance, [1, 2]), default);
        await Eventually.HoldsAsync(async () => await served.Loop.AskAsync(queue => queue.Cursor, default) == 4, "it goes on");
    }

    [Test]
    public async Task What_is_published_is_counted_by_its_answer_and_so_are_commits_and_sessions()
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using (var client = await bus.ConnectV2Async())
        {
            await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("k")}},{{WireClient.EventText("k")}},{{WireClient.EventText("k", "7")}}]}""");
            await client.ReceiveAsync("receipt");
            Assert.That(_measured["sequent.bus.sessions v2"], Is.EqualTo(1));
        }

        Assert.That((_measured["sequent.bus.published success"], _measured["sequent.bus.published inconsistent"]), Is.EqualTo((2, 1)));
        Assert.That((_measured["sequent.bus.commit.events"], _measured.Times("sequent.bus.commit.duration")), Is.EqualTo((2, 1)));
        await Eventually.HoldsAsync(() => _measured["sequent.bus.sessions v2"] == 0, "the session has ended");
    }

    [Test]
    public async Task What_a_client_type_owes_can_be_watched()
    {
        await using var bus = await BusUnderTest.StartAsync(null, _time);
        await using var client = await bus.ConnectV2Async();
        await client.RegisterAsync("accounts");
        await client.SendAsync($$"""{"message_type":"new","events":[{{WireClient.EventText("a")}},{{WireClient.EventText("b")}}]}""");
        await client.ReceiveAsync("receipt");
        await client.ReceiveDeliveriesAsync(2);
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.That(
            new[] { "behind", "keys_in_debt", "oldest_unacked", "instances" }.Select(name => _measured.Observe($"sequent.bus.client_type.{name} accounts")),
            Is.EqualTo(new[] { 0d, 2d, 5d, 1d }));
        Assert.That(_measured.Observe("sequent.bus.position"), Is.EqualTo(2));

        await client.SendAsync("""{"message_type":"ack","up_to":2}""");
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(2)); // one look a second
                return (_measured.Observe("sequent.bus.client_type.keys_in_debt accounts"), _measured.Observe("sequent.bus.client_type.oldest_unacked accounts")) == (0, 0);
            },
            "nothing is owed");
    }

    [Test]
    public async Task What_is_not_looked_at_has_an_age_too()
    {
        await using var bus = await BusUnderTest.StartAsync(null, _time);
        await using (var gone = await bus.ConnectV2Async())
            await gone.RegisterAsync("accounts");
        await using var client = await bus.ConnectV2Async();
        await client.PublishAsync("a");
        _time.Advance(TimeSpan.FromSeconds(7));
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(2));
                return _measured.Observe("sequent.bus.client_type.behind accounts") == 1 && _measured.Observe("sequent.bus.client_type.oldest_unacked accounts") >= 7;
            },
            "it is behind by one event");
    }

    private Task UntilAsync(string instrument, long sum) => Eventually.HoldsAsync(() => _measured[instrument] == sum, $"{instrument} is {sum}");

    /// <summary>A client type with limits that no option sets so low.</summary>
    private sealed class Served : IAsyncDisposable
    {
        private readonly FaultyStore _events = new();
        private readonly DeliverySaver _saver = new(new FaultyDeliveryStore());
        private readonly EventLog _log;
        private readonly ILoggerFactory _loggers;

        public Served(DeliveryLimits limits, TimeProvider time)
        {
            _log = new EventLog(_events, new RecentCommits(0));
            _saver.Start();
            _loggers = LoggerFactory.Create(logging => logging.AddProvider(Log));
            var sequencer = new Sequencer(_events, _log, time, NullLogger<Sequencer>.Instance);
            Loop = new ClientTypeLoop(
                new ClientTypeQueue(new ClientTypeRecord("accounts", 0, [], []), limits, 0),
                _log, new DebtReader(_events, sequencer), _saver, time, _loggers.CreateLogger<ClientTypeLoop>());
        }

        public LogLines Log { get; } = new();

        public ClientTypeLoop Loop { get; }

        public async Task CommitAsync(params string[] keys)
        {
            var events = keys.Select((key, i) => new StoredEvent { Position = _log.Head + i + 1, Key = key, Value = 0, Previous = 0, EventType = "t", CorrelationId = 1, Data = "1"u8.ToArray(), Producer = new Producer(1, "s"), TimeMicros = 1 }).ToArray();
            await _events.AppendAsync(events, default);
            _log.Publish(events);
            _log.Release();
        }

        public async ValueTask DisposeAsync()
        {
            await Loop.DisposeAsync();
            await _saver.DisposeAsync();
            await _events.DisposeAsync();
            _loggers.Dispose();
        }
    }

    private sealed class Inbox : IDeliveryOutbox
    {
        public void Deliver(Handover handover)
        {
        }

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
