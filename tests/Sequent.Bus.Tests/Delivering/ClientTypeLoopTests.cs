using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Delivering;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Bus.Tests.Publishing;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What a client type's loop saves, also when the store fails for a while.</summary>
internal sealed class ClientTypeLoopTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private Inbox _inbox = null!;
    private FaultyStore _events = null!;
    private FaultyDeliveryStore _store = null!;
    private DeliverySaver _saver = null!;
    private EventLog _log = null!;
    private ClientTypeLoop _loop = null!;
    private Instance _instance = null!;

    [SetUp]
    public async Task Start()
    {
        _events = new FaultyStore();
        _inbox = new Inbox();
        _store = new FaultyDeliveryStore();
        _log = new EventLog(_events, new RecentCommits(0));
        _saver = new DeliverySaver(_store);
        _saver.Start();
        var sequencer = new Sequencer(_events, _log, _time, NullLogger<Sequencer>.Instance);
        _loop = new ClientTypeLoop(
            new ClientTypeQueue(new ClientTypeRecord("accounts", 0, [], []), new DeliveryLimits(), 0),
            _log, new DebtReader(_events, sequencer), _saver, _time, NullLogger<ClientTypeLoop>.Instance);
        _instance = new Instance(_inbox, TypeFilter.All, 100, 100, 0);
        await _loop.PostAsync(queue => queue.Join(_instance), default);
    }

    [TearDown]
    public async Task Stop()
    {
        await _loop.DisposeAsync();
        await _saver.DisposeAsync();
        await _events.DisposeAsync();
    }

    private Task CommitAsync(params string[] keys) => CommitAsync("t", keys);

    private async Task CommitAsync(string type, string[] keys)
    {
        var events = keys.Select((key, i) => new StoredEvent { Position = _log.Head + i + 1, Key = key, Value = 0, Previous = 0, EventType = type, CorrelationId = 1, Data = "1"u8.ToArray(), Producer = new Producer(1, "s"), TimeMicros = 1 }).ToArray();
        await _events.AppendAsync(events, default);
        _log.Publish(events);
        _log.Release();
    }

    private async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.That(limit.IsCancellationRequested, Is.False, $"did not happen: {what}");
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
    }

    [Test]
    public async Task What_is_owed_is_saved_once_the_store_works_again()
    {
        _store.Fails = true;
        await CommitAsync("a", "b");
        await UntilAsync(() => _store.Failures > 1, "a save failed, and failed again");
        _store.Fails = false;
        await UntilAsync(() => _store.Saved("accounts")?.Cursor == 2, "the cursor was saved");
        Assert.That(_store.Saved("accounts")!.Debts.Select(d => (d.Key, d.FirstUnacked)), Is.EquivalentTo(new[] { ("a", 1L), ("b", 2L) }));
    }

    [Test]
    public async Task Dead_letters_are_stored_once_and_in_the_end_all_of_them()
    {
        await CommitAsync("a", "b", "c");
        await UntilAsync(() => _inbox.Count == 3, "delivered");
        _store.Fails = true;
        for (var delivery = 1; delivery <= 3; delivery++)
        {
            var number = delivery;
            await _loop.PostAsync(queue => queue.Nack(_instance, number, null, "poison", deadLetter: true), default);
        }

        await UntilAsync(() => _store.Failures > 2, "burying failed");
        _store.Fails = false;
        await UntilAsync(() => _store.DeadLetters.Count == 3, "all were stored");
        await UntilAsync(() => _store.Saved("accounts") is { Cursor: 3, Debts.Count: 0 }, "nothing is owed any more");
        Assert.That(_store.DeadLetters, Is.EqualTo(new[] { 1, 2, 3 }));
    }

    [Test]
    public async Task What_is_settled_is_saved_however_long_catching_up_takes()
    {
        await _loop.PostAsync(queue => queue.Rejoin(_instance, TypeFilter.Of(["t"]), 100, 100), default);
        await CommitAsync("a");
        await UntilAsync(() => _inbox.Count == 1, "delivered");
        await UntilAsync(() => _store.Saved("accounts") is { Debts.Count: 1 }, "the debt was saved");
        _events.BeforeReadingHeaders = () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            return CommitAsync("untaken", ["b", "c"]); // the log grows faster than it is read
        };
        await CommitAsync("untaken", ["b"]);
        await _loop.PostAsync(queue => queue.Ack(_instance, [1]), default);
        await UntilAsync(() => _store.Saved("accounts") is { Debts.Count: 0 }, "the ack was saved");
        _events.BeforeReadingHeaders = null;
    }

    [Test]
    public async Task A_clean_stop_loses_no_ack_and_no_dead_letter()
    {
        await CommitAsync("a", "b", "c");
        await UntilAsync(() => _inbox.Count == 3, "delivered");
        await _loop.PostAsync(queue => queue.Nack(_instance, 1, null, "poison", deadLetter: true), default);
        await _loop.PostAsync(queue => queue.Ack(_instance, [2]), default);
        await _loop.DisposeAsync();
        Assert.That(_store.DeadLetters, Is.EqualTo(new[] { 1 }));
        Assert.That(_store.Saved("accounts")!.Debts.Select(d => d.FirstUnacked), Is.EqualTo(new[] { 3 }));
        Assert.That(async () => await _loop.AskAsync(queue => queue.Cursor, default), Throws.InstanceOf<OperationCanceledException>());
    }

    private sealed class Inbox : IDeliveryOutbox
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Deliver(Handover handover) => Interlocked.Increment(ref _count);

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
