using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// Runs one <see cref="ClientTypeQueue"/>: the only code that touches it. Takes commands of sessions, feeds the queue from the log, has
/// saved what changed and read what it misses. A new commit is only a wake-up.
/// </summary>
internal sealed partial class ClientTypeLoop : IAsyncDisposable
{
    /// <summary>Commands that may wait; a session whose commands do not fit is not read on.</summary>
    private const int MaxCommands = 4_096;

    /// <summary>Events judged between two looks at the commands.</summary>
    private const int FeedChunk = 512;

    /// <summary>A save must not hold up publishing for long: with so many keys to be saved next the feed waits for the one under way.</summary>
    private const int MaxUnsavedKeys = 10_000;

    /// <summary>So long answers wait for what was owed before a restart; how long reading it takes is up to the consumers, and to the store.</summary>
    private static readonly TimeSpan RestorePatience = TimeSpan.FromSeconds(1);

    /// <summary>What goes on for long is told so often.</summary>
    private static readonly TimeSpan TellInterval = TimeSpan.FromMinutes(1);

    private readonly ClientTypeQueue _queue;
    private readonly EventLog _log;
    private readonly DebtReader _reader;
    private readonly DeliverySaver _saver;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Action<ClientTypeQueue>> _commands = Channel.CreateBounded<Action<ClientTypeQueue>>(new BoundedChannelOptions(MaxCommands) { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly ITimer _timer;
    private readonly Task _running;
    private readonly List<Action> _afterFeed = [];
    private readonly List<Action> _afterSave = [];
    private readonly List<Action> _onceQuiet = [];
    private readonly long _startMicros;
    private readonly long _startTimestamp;
    private IReadOnlyList<EventHeader> _chunk = [];
    private int _offered;
    private volatile bool _isDefect;
    private bool _isForgotten;
    private long? _restoringSince;
    private long _countedAsAcked;
    private long? _toldOfAcksAt;
    private bool _waitedForKeys;

    public ClientTypeLoop(ClientTypeQueue queue, EventLog log, DebtReader reader, DeliverySaver saver, TimeProvider time, ILogger<ClientTypeLoop> logger)
    {
        (_queue, _log, _reader, _saver, _time, _logger) = (queue, log, reader, saver, time, logger);
        (_startMicros, _startTimestamp) = (time.NowMicros(), time.GetTimestamp());
        _timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _lastSave = _startTimestamp;
        _running = RunAsync(_stop.Token);
        _ = WakeOnCommitsAsync(_stop.Token);
    }

    public string Name => _queue.Name;

    // The system's clock may be set; back-offs and deadlines must not notice.
    private long NowMicros => _startMicros + (long)_time.GetElapsedTime(_startTimestamp).TotalMicroseconds;

    /// <summary>Hands work to the loop. Completes when there is room for it, not when it is done.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the loop has ended.</exception>
    public async ValueTask PostAsync(Action<ClientTypeQueue> command, CancellationToken cancellationToken)
    {
        try
        {
            await _commands.Writer.WriteAsync(command, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new OperationCanceledException("The deliveries of the client type have ended.", e);
        }
    }

    /// <summary>Hands work to the loop and waits for its result.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the loop has ended.</exception>
    public Task<T> AskAsync<T>(Func<ClientTypeQueue, T> question, CancellationToken cancellationToken) =>
        WhenAsync<T>((queue, answer) => answer(question(queue)), cancellationToken);

    /// <summary>
    /// Has something done once the queue was fed as far as it can be now, and all was read that was owed before a restart. For that nobody waits longer than
    /// <see cref="RestorePatience"/>, counted from when the queue was first fed to an instance.
    /// </summary>
    public ValueTask PostAfterFeedAsync(Action action, CancellationToken cancellationToken) => PostAsync(_ => _afterFeed.Add(action), cancellationToken);

    /// <summary>Completes when everything that changed so far is durable.</summary>
    public Task SavedAsync(CancellationToken cancellationToken) => WhenAsync<bool>((_, answer) => _afterSave.Add(() => answer(true)), cancellationToken);

    /// <summary>Hands nothing out any more, and completes when nothing is in flight.</summary>
    public Task DrainAsync(CancellationToken cancellationToken) =>
        WhenAsync<bool>(
            (queue, answer) =>
            {
                queue.StopHandingOut();
                _onceQuiet.Add(() => answer(true));
            },
            cancellationToken);

    /// <summary>Cancelled when the loop has ended: stopped, or by a defect. Nothing that was posted and not run takes effect any more.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>A defect has ended the loop. What it was doing is not to be trusted, so it stands still until the bus is started anew.</summary>
    public bool IsDefect => _isDefect;

    /// <summary>Stops the loop without saving.</summary>
    /// <returns>The queue as it is, for another loop in case its state is wanted after all.</returns>
    public async Task<ClientTypeQueue> ForgetAsync()
    {
        _isForgotten = true;
        await DisposeAsync();
        return _queue;
    }

    /// <summary>Stops the loop and saves what is not saved. After a defect the state is not to be trusted, nor saved.</summary>
    public async ValueTask DisposeAsync()
    {
        _commands.Writer.TryComplete();
        if (_stop.IsCancellationRequested)
            return;
        _stop.Cancel();
        await _running;
        var (read, saved) = (await _reading, await _saving);
        if (!_isDefect)
        {
            read();
            saved();
        }

        if (!_isDefect && !_isForgotten)
        {
            RunCommands();
            // Twice, because a key that waited for a dead letter changes when that is durable.
            for (var i = 0; i < 2 && _queue.HasChanges; i++)
                (await SaveAsync(_queue.TakeChanges()))();
        }

        _ended.Cancel();
        await _timer.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<T> WhenAsync<T>(Action<ClientTypeQueue, Action<T>> ask, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(queue => ask(queue, result => answer.TrySetResult(result)), cancellationToken);
        using var ended = _ended.Token.Register(() => answer.TrySetCanceled(_ended.Token));
        using var cancelled = cancellationToken.Register(() => answer.TrySetCanceled(cancellationToken));
        return await answer.Task;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            while (await _commands.Reader.WaitToReadAsync(cancellationToken))
            {
                bool hasMore;
                do
                {
                    _queue.Tick(NowMicros, _time.NowMicros());
                    RunCommands();
                    hasMore = await FeedAsync(cancellationToken);

                    // However long catching up takes: what is settled meanwhile is saved, and what is missing read.
                    StartBackgroundWork();
                }
                while (hasMore && _afterFeed.Count < MaxCommands);
                if (LeftToRestore() <= TimeSpan.Zero || _afterFeed.Count >= MaxCommands)
                    RunAll(_afterFeed);
                if (_queue.IsQuiet)
                    RunAll(_onceQuiet);
                Tell();
                if (hasMore)
                    Wake();
                SetTimer();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            // A defect: the client type stands still, everything else goes on.
            LogLoopFailed(e, Name);
            _isDefect = true;
            _commands.Writer.TryComplete();
            _ended.Cancel();
        }
    }

    private void RunCommands()
    {
        for (var i = 0; i < MaxCommands && _commands.Reader.TryRead(out var command); i++)
            command(_queue);
    }

    private static void RunAll(List<Action> actions)
    {
        foreach (var action in actions)
            action();
        actions.Clear();
    }

    /// <summary>How long answers wait on for what was owed before a restart. The time begins when it is first asked for with an instance there.</summary>
    private TimeSpan LeftToRestore()
    {
        if (!_queue.HasInstances || !_queue.HasRestored)
        {
            _restoringSince = null;
            return TimeSpan.Zero;
        }

        _restoringSince ??= _time.GetTimestamp();
        return RestorePatience - _time.GetElapsedTime(_restoringSince.Value);
    }

    /// <summary>Offers the queue what comes after its cursor. Returns true if there may be more at once.</summary>
    private async ValueTask<bool> FeedAsync(CancellationToken cancellationToken)
    {
        if (!_queue.HasInstances || _queue.Cursor >= _log.Released || IsStoreResting || (_queue.UnsavedKeys >= MaxUnsavedKeys && !_saving.IsCompleted))
            return false;
        try
        {
            // What the queue did not take the last time comes again, mostly soon: when one delivery of many is acked.
            if (_offered >= _chunk.Count || _chunk[_offered].Position != _queue.Cursor + 1)
                (_chunk, _offered) = (await _log.ReadHeadersAsync(_queue.Cursor, FeedChunk, cancellationToken), 0);
            for (; _offered < _chunk.Count; _offered++)
            {
                if (!_queue.Offer(_chunk[_offered]))
                    return false;
            }

            return true;
        }
        catch (StoreException e)
        {
            LogReadFailed(e, Name);
            _failedAt = _time.GetTimestamp();
            return false;
        }
    }

    private void SetTimer()
    {
        var due = Timeout.InfiniteTimeSpan;
        if (_queue.NextTick is { } next)
            due = TimeSpan.FromMicroseconds(Math.Max(1_000, next - NowMicros));
        if (_queue.HasUrgentChanges || IsStoreResting)
            due = Sooner(due, SaveInterval);
        else if (_queue.HasChanges)
            due = Sooner(due, LazySaveInterval);
        if (_afterFeed.Count > 0)
            due = Sooner(due, TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerMillisecond, LeftToRestore().Ticks)));
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private static TimeSpan Sooner(TimeSpan due, TimeSpan limit) => due < TimeSpan.Zero || due > limit ? limit : due;

    /// <summary>What an operator should know.</summary>
    private void Tell()
    {
        if (_queue.CountedAsAcked > _countedAsAcked)
        {
            BusMeter.CountedAsAcked.Add(_queue.CountedAsAcked - _countedAsAcked);
            _countedAsAcked = _queue.CountedAsAcked;
            if (_toldOfAcksAt is not { } at || _time.GetElapsedTime(at) >= TellInterval)
            {
                LogCountedAsAcked(Name, _countedAsAcked);
                _toldOfAcksAt = _time.GetTimestamp();
            }
        }

        if (_queue.WaitsForKeys && !_waitedForKeys)
        {
            LogWaitsForKeys(Name, _queue.KeysInDebt, _queue.Cursor);
            BusMeter.WaitsForKeys.Add(1);
        }

        _waitedForKeys = _queue.WaitsForKeys;
    }

    /// <summary>If the channel is full the loop is awake anyhow.</summary>
    private void Wake() => _commands.Writer.TryWrite(static _ => { });

    private async Task WakeOnCommitsAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var released = _log.Released;
                Wake();
                await _log.WaitBeyondAsync(released, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
