using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Carries the journal over into the file, beside the commits instead of within one: a commit that had to do it would be held up for tens of milliseconds.
/// What little is left in the end is carried over between two commits, so that the next one starts the journal over. Only commits that outrun it wait for it.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="gate">Held by whoever writes.</param>
/// <param name="pages">Pages of the journal that are carried over together.</param>
/// <param name="logger">Is told of trouble.</param>
/// <param name="maxHoldBack">How long a commit waits for it, at most. Null: 1 s.</param>
internal sealed partial class Checkpointer(string path, SemaphoreSlim gate, int pages, ILogger logger, TimeSpan? maxHoldBack = null) : IAsyncDisposable
{
    /// <summary>About 3.5 MiB; half of that in files that were made with pages of 4 KiB.</summary>
    public const int DefaultPages = 450;

    /// <summary>Once the journal has grown so many times as far, a commit waits for what is under way: it may not outgrow a disk that is slow to take it.</summary>
    private const int MaxTimes = 2;

    /// <summary>So often in a row it is tried to come near the end of the journal.</summary>
    private const int MaxPasses = 4;

    private static readonly TimeSpan DefaultMaxHoldBack = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = logger;
    private readonly TimeSpan _maxHoldBack = maxHoldBack ?? DefaultMaxHoldBack;

    // Held by whoever carries over or cuts the journal, because SQLite refuses a second one. Who holds it does not wait for the gate.
    private readonly SemaphoreSlim _carrying = new(1);
    private SqliteConnection? _db; // used by whoever carries over
    private Task _running = Task.CompletedTask;
    private int _written; // since the last pass began
    private int _growth; // of the journal, since the rest was carried over or a commit waited; used with the gate held
    private volatile bool _isBehind; // the last pass left much, so the next one may take long
    private TaskCompletionSource _pass = new(TaskCreationOptions.RunContinuationsAsynchronously); // completes with the next pass

    /// <summary>A commit was made. The gate is held.</summary>
    public async ValueTask CommittedAsync(SqliteConnection writer)
    {
        var pagesOfCommit = writer.TakePagesWritten();
        _growth += pagesOfCommit;
        var isDue = Interlocked.Add(ref _written, pagesOfCommit) >= pages;
        if (isDue && _running.IsCompleted)
            _running = RunAsync();
        else if (_growth >= MaxTimes * pages)
            await HoldBackAsync();
    }

    /// <summary>Waits for what is under way. Nobody may write any more, nor hold the gate.</summary>
    public async ValueTask DisposeAsync()
    {
        await _running;
        _db?.Dispose();
        _carrying.Dispose();
    }

    /// <summary>Does something that nothing must be carried over beside.</summary>
    public async ValueTask AloneAsync(Func<ValueTask> work)
    {
        await _carrying.WaitAsync();
        try
        {
            await work();
        }
        finally
        {
            _carrying.Release();
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        if (await CatchUpAsync())
            await FinishAsync();
    }

    /// <summary>Carries over what was committed, and again what was committed meanwhile, until that is little. False: somebody reads for long, such as a backup.</summary>
    private async Task<bool> CatchUpAsync()
    {
        for (var pass = 0; pass < MaxPasses && (pass == 0 || Volatile.Read(ref _written) >= pages); pass++)
        {
            if (!await CarryAsync())
                return false;
        }

        return true;
    }

    /// <summary>Carries over the rest while nobody commits.</summary>
    private async Task FinishAsync()
    {
        await gate.WaitAsync();
        try
        {
            await CarryRestAsync();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Only with the gate held.</summary>
    private async ValueTask CarryRestAsync()
    {
        _growth = 0;
        await CarryAsync();
    }

    /// <summary>Waits for the pass that has begun or is about to, though not for ever, and carries over the rest. Only with the gate held.</summary>
    private async ValueTask HoldBackAsync()
    {
        _growth = 0;
        Task pass = Task.WhenAny(_pass.Task, _running); // the one that may change what is looked at next
        if (_isBehind)
            await pass.WaitAsync(_maxHoldBack).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // If much is left, it is not carried over while everybody waits.
        if (_isBehind || !await _carrying.WaitAsync(_maxHoldBack))
            return;
        try
        {
            Carry();
        }
        finally
        {
            _carrying.Release();
        }
    }

    /// <summary>Carries over what is committed by now. False: much of it is left, because somebody reads, or the disk failed.</summary>
    private async ValueTask<bool> CarryAsync()
    {
        await AloneAsync(() =>
        {
            Carry();
            return default;
        });
        return !_isBehind;
    }

    private void Carry()
    {
        Interlocked.Exchange(ref _written, 0);
        try
        {
            _db ??= SqliteConnection.Open(path, readOnly: false);

            // Beside a commit that has begun little is always left.
            _isBehind = _db.Checkpoint() > pages;
        }
        catch (StoreException e)
        {
            // What is committed is safe in the journal; it is tried again after some commits.
            LogNotCheckpointed(e);
            _db?.Dispose();
            _db = null;
            _isBehind = true;
        }

        Interlocked.Exchange(ref _pass, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }

    [LoggerMessage(3, LogLevel.Warning, "The journal of the log could not be carried over into its file; it is tried again")]
    private partial void LogNotCheckpointed(Exception exception);
}
