using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// Runs one <see cref="ClientTypeQueue"/>: the only code that touches it. Takes commands of sessions, feeds the queue from the log, saves
/// what changed. A new commit is only a wake-up.
/// </summary>
internal sealed partial class ClientTypeLoop : IAsyncDisposable
{
    /// <summary>Commands that may wait; a session whose commands do not fit is not read on.</summary>
    private const int MaxCommands = 4_096;

    /// <summary>Events judged between two looks at the commands.</summary>
    private const int FeedChunk = 512;

    /// <summary>A crash may bring back the acks of this interval…</summary>
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>…or so many of them.</summary>
    private const int SaveAfterCommands = 10_000;

    /// <summary>A cursor that only passed events nobody is owed is saved less often: a crash brings nothing back.</summary>
    private static readonly TimeSpan LazySaveInterval = TimeSpan.FromSeconds(1);

    private readonly ClientTypeQueue _queue;
    private readonly EventLog _log;
    private readonly IDeliveryStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Action<ClientTypeQueue>> _commands = Channel.CreateBounded<Action<ClientTypeQueue>>(new BoundedChannelOptions(MaxCommands) { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _timer;
    private readonly Task _running;
    private readonly List<Action> _afterFeed = [];
    private Task _background = Task.CompletedTask;
    private ClientTypeChanges? _notSaved;
    private DeadLetter? _burying;
    private bool _isBuried;
    private bool _feedFailed;
    private bool _isDefect;
    private long _lastSave;
    private int _commandsSinceSave;

    public ClientTypeLoop(ClientTypeQueue queue, EventLog log, IDeliveryStore store, TimeProvider time, ILogger<ClientTypeLoop> logger)
    {
        (_queue, _log, _store, _time, _logger) = (queue, log, store, time, logger);
        _timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _lastSave = time.GetTimestamp();
        _running = RunAsync(_stop.Token);
        _ = WakeOnCommitsAsync(_stop.Token);
    }

    public string Name => _queue.Name;

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
    public async Task<T> AskAsync<T>(Func<ClientTypeQueue, T> question, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PostAsync(queue => answer.SetResult(question(queue)), cancellationToken);
        await Task.WhenAny(answer.Task, _ended.Task).WaitAsync(cancellationToken);
        return answer.Task.IsCompleted ? await answer.Task : throw new OperationCanceledException("The deliveries of the client type have ended.");
    }

    /// <summary>Has something done once the queue was fed as far as it can be now.</summary>
    public ValueTask PostAfterFeedAsync(Action action, CancellationToken cancellationToken) => PostAsync(_ => _afterFeed.Add(action), cancellationToken);

    /// <summary>Stops the loop and saves what is not saved: dead letters first, then the rest. After a defect the state is not to be trusted, nor saved.</summary>
    public async ValueTask DisposeAsync()
    {
        _commands.Writer.TryComplete();
        if (_stop.IsCancellationRequested)
            return;
        _stop.Cancel();
        await _running;
        await _background;
        if (!_isDefect)
        {
            RunCommands();
            await SaveEverythingAsync();
        }

        _ended.TrySetResult();
        await _timer.DisposeAsync();
        _stop.Dispose();
    }

    private async Task SaveEverythingAsync()
    {
        while (NextDeadLetter() is { } letter)
        {
            await BuryAsync(letter);
            if (!_isBuried)
                break;
        }

        TakeBackgroundResults();
        if (_queue.HasChanges)
            await SaveAsync(_queue.TakeChanges());
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            while (await _commands.Reader.WaitToReadAsync(cancellationToken))
            {
                do
                {
                    _queue.Tick(_time.NowMicros());
                    RunCommands();
                }
                while (await FeedAsync(cancellationToken));
                RunAfterFeed();
                StartBackgroundWork();
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
            _ended.TrySetResult();
        }
    }

    private void RunCommands()
    {
        for (var i = 0; i < MaxCommands && _commands.Reader.TryRead(out var command); i++)
        {
            command(_queue);
            _commandsSinceSave++;
        }
    }

    private void RunAfterFeed()
    {
        foreach (var action in _afterFeed)
            action();
        _afterFeed.Clear();
    }

    /// <summary>Offers the queue what comes after its cursor. Returns true if there may be more at once.</summary>
    private async ValueTask<bool> FeedAsync(CancellationToken cancellationToken)
    {
        _feedFailed = false;
        if (!_queue.HasInstances || _queue.Cursor >= _log.Head)
            return false;
        try
        {
            foreach (var e in await _log.ReadAsync(_queue.Cursor, FeedChunk, cancellationToken))
            {
                if (!_queue.Offer(new EventHeader(e.Position, e.Key, e.Value, e.EventType)))
                    return false;
            }

            return true;
        }
        catch (StoreException e)
        {
            LogFeedFailed(e, Name);
            _feedFailed = true;
            return false;
        }
    }

    private void StartBackgroundWork()
    {
        if (!_background.IsCompleted)
            return;
        TakeBackgroundResults();
        var interval = _queue.HasUrgentChanges ? SaveInterval : LazySaveInterval;
        if (NextDeadLetter() is { } letter)
            _background = BuryThenWakeAsync(letter);
        else if (_queue.HasChanges && (_commandsSinceSave >= SaveAfterCommands || _time.GetElapsedTime(_lastSave) >= interval))
            _background = SaveThenWakeAsync(_queue.TakeChanges());
    }

    /// <summary>What the store did or could not do since the last look. Only the loop touches the queue.</summary>
    private void TakeBackgroundResults()
    {
        if (_notSaved is { } changes)
            _queue.NotSaved(changes);
        if (_isBuried && _burying is { } letter)
        {
            _queue.DeadLettered(letter);
            _burying = null;
        }

        (_notSaved, _isBuried) = (null, false);
    }

    /// <summary>The dead letter to store: the one that could not be stored yet, or the next one.</summary>
    private DeadLetter? NextDeadLetter()
    {
        TakeBackgroundResults();
        if (_burying is null)
            _queue.DeadLetters.TryDequeue(out _burying);
        return _burying;
    }

    private async Task SaveThenWakeAsync(ClientTypeChanges changes)
    {
        (_lastSave, _commandsSinceSave) = (_time.GetTimestamp(), 0);
        // The loop must go on while the store works.
        await Task.Yield();
        await SaveAsync(changes);
        Wake();
    }

    private async Task SaveAsync(ClientTypeChanges changes)
    {
        try
        {
            await _store.SaveAsync(changes, CancellationToken.None);
        }
        catch (StoreException e)
        {
            LogSaveFailed(e, Name);
            _notSaved = changes;
        }
    }

    private async Task BuryThenWakeAsync(DeadLetter letter)
    {
        await Task.Yield();
        await BuryAsync(letter);
        if (_isBuried)
            Wake();
    }

    private async Task BuryAsync(DeadLetter letter)
    {
        try
        {
            await _store.AddDeadLetterAsync(letter, CancellationToken.None);
            _isBuried = true;
            LogDeadLetter(Name, letter.Position, letter.Attempts, letter.Reason);
        }
        catch (StoreException e)
        {
            // Its key waits, and the timer tries again.
            LogSaveFailed(e, Name);
        }
    }

    private void SetTimer()
    {
        var due = Timeout.InfiniteTimeSpan;
        if (_queue.NextTick is { } next)
            due = TimeSpan.FromMicroseconds(Math.Max(1_000, next - _time.NowMicros()));
        if (_queue.HasUrgentChanges || _burying is not null || _feedFailed)
            due = Sooner(due, SaveInterval);
        else if (_queue.HasChanges)
            due = Sooner(due, LazySaveInterval);
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private static TimeSpan Sooner(TimeSpan due, TimeSpan limit) => due < TimeSpan.Zero || due > limit ? limit : due;

    /// <summary>If the channel is full the loop is awake anyhow.</summary>
    private void Wake() => _commands.Writer.TryWrite(static _ => { });

    private async Task WakeOnCommitsAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var head = _log.Head;
                Wake();
                await _log.WaitBeyondAsync(head, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    [LoggerMessage(1, LogLevel.Critical, "Client type {ClientType}: a defect stopped its deliveries until the bus is restarted")]
    private partial void LogLoopFailed(Exception exception, string clientType);

    [LoggerMessage(2, LogLevel.Error, "Client type {ClientType}: the log could not be read; trying again")]
    private partial void LogFeedFailed(Exception exception, string clientType);

    [LoggerMessage(3, LogLevel.Error, "Client type {ClientType}: its delivery state could not be saved; trying again")]
    private partial void LogSaveFailed(Exception exception, string clientType);

    [LoggerMessage(4, LogLevel.Warning, "Client type {ClientType}: the event at position {Position} is a dead letter after {Attempts} attempts: {Reason}")]
    private partial void LogDeadLetter(string clientType, long position, int attempts, string reason);
}
