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
    /// <summary>More keys than are read at once.</summary>
    private const int Keys = 200;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private FaultyStore _events = null!;
    private DeliverySaver _saver = null!;
    private ClientTypeLoop _loop = null!;
    private TaskCompletionSource _isReading = null!;
    private TaskCompletionSource _mayRead = null!;

    [SetUp]
    public void Create()
    {
        (_isReading, _mayRead) = (new(), new());
        _events = new FaultyStore();
        _saver = new DeliverySaver(new FaultyDeliveryStore());
        _saver.Start();
    }

    [TearDown]
    public async Task Stop()
    {
        _mayRead.TrySetResult();
        await _loop.DisposeAsync();
        await _saver.DisposeAsync();
        await _events.DisposeAsync();
    }

    [TestCase(200, 1)]
    [TestCase(20, 300, Description = "more events than are read of a key at once, when there are many keys")]
    public async Task Whoever_joins_is_answered_after_all_of_it(int keys, int each)
    {
        await StartAsync(keys, each);
        var joined = await JoinAsync();
        Assert.That(await joined.Answered, Is.EqualTo(keys * each), "handed over before");
    }

    [Test]
    public async Task Whoever_joins_while_it_is_being_read_is_answered_after_all_of_it_too()
    {
        await StartAsync(Keys);
        HoldReads();
        var first = await JoinAsync();
        await _isReading.Task.WaitAsync(Limit);
        var second = await JoinAsync();
        await PassAsync();
        Assert.That((first.IsAnswered, second.IsAnswered), Is.EqualTo((false, false)), "before it was read");
        _mayRead.SetResult();
        Assert.That((await Task.WhenAll(first.Answered, second.Answered)).Sum(), Is.EqualTo(Keys), "handed over before");
    }

    [Test]
    public async Task Nobody_waits_longer_than_a_second()
    {
        await StartAsync(Keys);
        HoldReads();
        var joined = await JoinAsync();
        await PassAsync();
        _time.Advance(TimeSpan.FromMilliseconds(900));
        await PassAsync();
        Assert.That(joined.IsAnswered, Is.False, "after 900 ms");
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That(await joined.Answered, Is.Zero, "handed over before");
        var late = await JoinAsync();
        Assert.That(await late.Answered, Is.Zero, "whoever comes later does not wait again");
        _mayRead.SetResult();
        await Eventually.HoldsAsync(() => joined.Count + late.Count == Keys, "all of it is handed over");
    }

    [Test]
    public async Task A_store_that_fails_for_a_moment_is_waited_for()
    {
        await StartAsync(Keys);
        var reads = 0;
        _events.BeforeReadingHeaders = () => ++reads == 1 ? throw new StoreException("told to fail") : Task.CompletedTask;
        var joined = await JoinAsync();
        Assert.That(await _time.AdvanceUntilAsync(joined.Answered, TimeSpan.FromMilliseconds(1)), Is.EqualTo(Keys), "handed over before");
    }

    [Test]
    public async Task Nobody_waits_for_what_an_operator_has_made_void()
    {
        await StartAsync(Keys);
        HoldReads();
        var joined = await JoinAsync();
        await _loop.PostAsync(queue => queue.Reset(Keys), default);
        Assert.That(await joined.Answered, Is.Zero);
    }

    /// <summary>Starts the loop of a client type that was owed so many events of so many keys, in turn.</summary>
    private async Task StartAsync(int keys, int each = 1)
    {
        StoredEvent[] owed = [.. Enumerable.Range(1, keys * each).Select(Owed)];
        await _events.AppendAsync(owed, default);
        var log = new EventLog(_events, new RecentCommits(0));
        var sequencer = new Sequencer(_events, log, _time, NullLogger<Sequencer>.Instance);
        await sequencer.StartAsync(await _events.OpenAsync(default), default);
        KeyDebtRecord[] debts = [.. owed.Take(keys).Select(e => new KeyDebtRecord(e.Key, e.Position, [], []))];
        var restored = new ClientTypeRecord("accounts", owed.Length, [new InterestChange(1, null)], debts);
        _loop = new ClientTypeLoop(
            new ClientTypeQueue(restored, new DeliveryLimits(), owed.Length),
            log, new DebtReader(_events, sequencer), _saver, _time, NullLogger<ClientTypeLoop>.Instance);

        StoredEvent Owed(int position) => new()
        {
            Position = position,
            Key = $"k{position % keys}",
            Value = (uint)((position - 1) / keys),
            Previous = Math.Max(0, position - keys),
            EventType = "t",
            CorrelationId = 1,
            Data = "1"u8.ToArray(),
            Producer = new Producer(1, "s"),
            TimeMicros = 1,
        };
    }

    private void HoldReads() => _events.BeforeReadingHeaders = () =>
    {
        _isReading.TrySetResult();
        return _mayRead.Task;
    };

    private async Task<Consumer> JoinAsync()
    {
        var consumer = new Consumer();
        await _loop.PostAsync(queue => queue.Join(new Instance(consumer, TypeFilter.All, int.MaxValue, int.MaxValue, 0)), default);
        await _loop.PostAfterFeedAsync(consumer.Answer, default);
        return consumer;
    }

    /// <summary>What was posted so far has been done, and the loop has looked at who waits: the first ends within a pass, the second in one that follows.</summary>
    private async Task PassAsync()
    {
        await _loop.SavedAsync(default).WaitAsync(Limit);
        await _loop.AskAsync(_ => true, default).WaitAsync(Limit);
    }

    private sealed class Consumer : IDeliveryOutbox
    {
        private readonly TaskCompletionSource<int> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public bool IsAnswered => _answered.Task.IsCompleted;

        /// <summary>How many events were handed over before the answer.</summary>
        public Task<int> Answered => _answered.Task.WaitAsync(Limit);

        public void Answer() => _answered.SetResult(Count);

        public void Deliver(Handover handover) => Interlocked.Increment(ref _count);

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
