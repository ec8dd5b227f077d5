using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Delivering;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Bus.Tests.Publishing;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What waits until the queue is fed also waits for what was owed before a restart, which has to be read first; but not for long.</summary>
internal sealed class RestoredDebtsTests
{
    /// <summary>More than are read at once.</summary>
    private const int Keys = 200;

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private FaultyStore _events = null!;
    private DeliverySaver _saver = null!;
    private ClientTypeLoop _loop = null!;

    [SetUp]
    public async Task StartWithDebts()
    {
        _events = new FaultyStore();
        StoredEvent[] owed = [.. Enumerable.Range(1, Keys).Select(i => new StoredEvent { Position = i, Key = $"k{i}", Value = 0, Previous = 0, EventType = "t", CorrelationId = 1, Data = "1"u8.ToArray(), Producer = new Producer(1, "s"), TimeMicros = 1 })];
        await _events.AppendAsync(owed, default);
        var log = new EventLog(_events, new RecentCommits(0));
        log.Publish(owed);
        log.Release();
        var sequencer = new Sequencer(_events, log, _time, NullLogger<Sequencer>.Instance);
        await sequencer.StartAsync(await _events.OpenAsync(default), default);
        _saver = new DeliverySaver(new FaultyDeliveryStore());
        _saver.Start();
        KeyDebtRecord[] debts = [.. owed.Select(e => new KeyDebtRecord(e.Key, e.Position, [], []))];
        var restored = new ClientTypeRecord("accounts", Keys, [new InterestChange(1, null)], debts);
        _loop = new ClientTypeLoop(new ClientTypeQueue(restored, new DeliveryLimits(), Keys), log, new DebtReader(_events, sequencer), _saver, _time, NullLogger<ClientTypeLoop>.Instance);
    }

    [TearDown]
    public async Task Stop()
    {
        await _loop.DisposeAsync();
        await _saver.DisposeAsync();
        await _events.DisposeAsync();
    }

    [Test]
    public async Task Whoever_joins_is_answered_after_all_of_it()
    {
        var joined = await JoinAsync();
        Assert.That(await joined.Answered, Is.EqualTo(Keys), "handed over before");
    }

    [Test]
    public async Task Whoever_joins_while_it_is_being_read_is_answered_after_all_of_it_too()
    {
        var (isReading, mayRead) = (new TaskCompletionSource(), new TaskCompletionSource());
        _events.BeforeReadingHeaders = () =>
        {
            isReading.TrySetResult();
            return mayRead.Task;
        };
        var first = await JoinAsync();
        await isReading.Task;
        var second = await JoinAsync();
        await _loop.AskAsync(queue => queue.HasInstances, default);
        Assert.That((first.Answered.IsCompleted, second.Answered.IsCompleted), Is.EqualTo((false, false)), "before it was read");
        mayRead.SetResult();
        await Task.WhenAll(first.Answered, second.Answered);
        Assert.That(first.Count + second.Count, Is.EqualTo(Keys));
    }

    [Test]
    public async Task Nobody_waits_longer_than_a_second()
    {
        var mayRead = new TaskCompletionSource();
        _events.BeforeReadingHeaders = () => mayRead.Task;
        var joined = await JoinAsync();
        await _time.AdvanceUntilAsync(joined.Answered, TimeSpan.FromMilliseconds(100));
        Assert.That(await joined.Answered, Is.Zero, "handed over before");
        var late = await JoinAsync();
        Assert.That(await late.Answered, Is.Zero, "whoever comes later does not wait again");
        mayRead.SetResult();
        await Eventually.HoldsAsync(() => joined.Count + late.Count == Keys, "all of it is handed over");
    }

    [Test]
    public async Task A_store_that_fails_for_a_moment_is_waited_for()
    {
        var reads = 0;
        _events.BeforeReadingHeaders = () => ++reads == 1 ? throw new StoreException("told to fail") : Task.CompletedTask;
        var joined = await JoinAsync();
        Assert.That(await _time.AdvanceUntilAsync(joined.Answered, TimeSpan.FromMilliseconds(1)), Is.EqualTo(Keys), "handed over before");
    }

    [Test]
    public async Task Nobody_waits_for_what_an_operator_has_made_void()
    {
        var mayRead = new TaskCompletionSource();
        _events.BeforeReadingHeaders = () => mayRead.Task;
        var joined = await JoinAsync();
        await _loop.PostAsync(queue => queue.Reset(Keys), default);
        Assert.That(await joined.Answered, Is.Zero);
        mayRead.SetResult();
    }

    private async Task<Consumer> JoinAsync()
    {
        var consumer = new Consumer();
        await _loop.PostAsync(queue => queue.Join(new Instance(consumer, TypeFilter.All, int.MaxValue, int.MaxValue, 0)), default);
        await _loop.PostAfterFeedAsync(consumer.Answer, default);
        return consumer;
    }

    private sealed class Consumer : IDeliveryOutbox
    {
        private readonly TaskCompletionSource<int> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public int Count => Volatile.Read(ref _count);

        /// <summary>How many events were handed over before the answer.</summary>
        public Task<int> Answered => _answered.Task.WaitAsync(TimeSpan.FromSeconds(20));

        public void Answer() => _answered.SetResult(Count);

        public void Deliver(Handover handover) => Interlocked.Increment(ref _count);

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
