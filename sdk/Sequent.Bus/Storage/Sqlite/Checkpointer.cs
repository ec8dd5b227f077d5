using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Carries the journal over into the file, beside the commits instead of within one: a commit that had to do it would be held up for tens of milliseconds.
/// What little is left in the end is carried over between two commits, so that the next one starts the journal over. Only where the file's disk is much
/// slower than the commits are these held up.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="gate">Held by whoever writes.</param>
/// <param name="pages">Pages of the journal that are carried over together.</param>
/// <param name="logger">Is told of trouble.</param>
internal sealed partial class Checkpointer(string path, SemaphoreSlim gate, int pages, ILogger logger) : IAsyncDisposable
{
    /// <summary>About 3.5 MiB; half of that in files that were made with pages of 4 KiB.</summary>
    public const int DefaultPages = 450;

    /// <summary>Once the journal is so many times as long, a commit waits until it is carried over: it may not outgrow a disk that is slow to take it.</summary>
    private const int MaxTimes = 2;

    /// <summary>So often in a row it is tried to come near the end of the journal.</summary>
    private const int MaxPasses = 4;

    private readonly ILogger _logger = logger;

    // Held by whoever carries over or cuts the journal, because SQLite refuses a second one. Who holds it does not wait for the gate.
    private readonly SemaphoreSlim _carrying = new(1);
    private SqliteConnection? _db; // used by whoever carries over
    private Task _running = Task.CompletedTask;
    private int _written; // since the last pass began
    private int _length; // of the journal, since all of it was carried over or that was tried; used with the gate held

    /// <summary>A commit was made. The gate is held.</summary>
    public async ValueTask CommittedAsync(SqliteConnection writer)
    {
        var pagesOfCommit = writer.TakePagesWritten();
        _length += pagesOfCommit;
        if (_length >= MaxTimes * pages)
            await CarryRestAsync();
        else if (Interlocked.Add(ref _written, pagesOfCommit) >= pages && _running.IsCompleted)
            _running = RunAsync();
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
        _length = 0;
        await CarryAsync();
    }

    /// <summary>Carries over what is committed by now. False: not all of it, because somebody reads, or the disk failed.</summary>
    private async ValueTask<bool> CarryAsync()
    {
        var isWhole = false;
        await AloneAsync(() =>
        {
            isWhole = TryCarry();
            return default;
        });
        return isWhole;
    }

    private bool TryCarry()
    {
        Interlocked.Exchange(ref _written, 0);
        try
        {
            _db ??= SqliteConnection.Open(path, readOnly: false);
            return _db.Checkpoint();
        }
        catch (StoreException e)
        {
            // What is committed is safe in the journal; it is tried again after some commits.
            LogNotCheckpointed(e);
            _db?.Dispose();
            _db = null;
            return false;
        }
    }

    [LoggerMessage(3, LogLevel.Warning, "The journal of the log could not be carried over into its file; it is tried again")]
    private partial void LogNotCheckpointed(Exception exception);
}
