using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Carries the journal over into the file, beside the commits instead of within one: a commit that had to do it would be held up for tens of milliseconds.
/// What little is left in the end is carried over between two commits, so that the next one starts the journal over.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="gate">Held by whoever writes.</param>
/// <param name="pages">Pages of the journal that are carried over together.</param>
/// <param name="logger">Is told of trouble.</param>
internal sealed partial class Checkpointer(string path, SemaphoreSlim gate, int pages, ILogger logger) : IAsyncDisposable
{
    /// <summary>About 4 MiB; half of that in files that were made with pages of 4 KiB.</summary>
    public const int DefaultPages = 500;

    /// <summary>So often in a row it is tried to come near the end of the journal.</summary>
    private const int MaxPasses = 4;

    private readonly ILogger _logger = logger;

    // Held by whoever carries over or cuts the journal, because SQLite refuses a second one. Who holds it does not wait for the gate.
    private readonly SemaphoreSlim _carrying = new(1);
    private SqliteConnection? _db;
    private Task _running = Task.CompletedTask;
    private int _written; // since the last pass began

    /// <summary>A commit was made. The gate is held.</summary>
    public void Committed(SqliteConnection writer)
    {
        if (Interlocked.Add(ref _written, writer.TakePagesWritten()) >= pages && _running.IsCompleted)
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
        try
        {
            _db ??= SqliteConnection.Open(path, readOnly: false);
            if (await CatchUpAsync(_db))
                await FinishAsync(_db);
        }
        catch (StoreException e)
        {
            // What is committed is safe in the journal; it is tried again after some commits.
            LogNotCheckpointed(e);
            _db?.Dispose();
            _db = null;
        }
    }

    /// <summary>Carries over what was committed, and again what was committed meanwhile, until that is little. False: somebody reads for long, such as a backup.</summary>
    private async Task<bool> CatchUpAsync(SqliteConnection db)
    {
        for (var pass = 0; pass < MaxPasses && (pass == 0 || Volatile.Read(ref _written) >= pages); pass++)
        {
            Interlocked.Exchange(ref _written, 0);
            var isWhole = false;
            await AloneAsync(() =>
            {
                isWhole = db.Checkpoint();
                return default;
            });
            if (!isWhole)
                return false;
        }

        return true;
    }

    /// <summary>Carries over the rest while nobody commits.</summary>
    private async Task FinishAsync(SqliteConnection db)
    {
        await gate.WaitAsync();
        try
        {
            await AloneAsync(() =>
            {
                db.Checkpoint();
                return default;
            });
        }
        finally
        {
            gate.Release();
        }
    }

    [LoggerMessage(3, LogLevel.Warning, "The journal of the log could not be carried over into its file; it is tried again")]
    private partial void LogNotCheckpointed(Exception exception);
}
