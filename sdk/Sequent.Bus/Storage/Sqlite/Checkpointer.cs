using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Carries the journal over into the file, beside the commits instead of within one: a commit that had to do it would be held up for tens of milliseconds.
/// Only when the journal is long is the rest of it, which is little, carried over between two commits, so that the next one starts it over.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="gate">Held by whoever writes.</param>
/// <param name="logger">Is told of trouble.</param>
internal sealed partial class Checkpointer(string path, SemaphoreSlim gate, ILogger logger)
{
    /// <summary>Pages of the journal, 4 KiB each, that are carried over together; SQLite's own number.</summary>
    private const int Pages = 1_000;

    /// <summary>A journal of so many pages, 64 MiB, is to start over. A longer one makes reading slower.</summary>
    private const int MaxPages = 16_384;

    private readonly ILogger _logger = logger;
    private SqliteConnection? _db;
    private Task _running = Task.CompletedTask;
    private int _written;
    private volatile bool _isEnding;

    /// <summary>A commit was made. The gate is held.</summary>
    public void Committed(SqliteConnection writer)
    {
        _written += writer.TakePagesWritten();
        if (_written < Pages || _isEnding || !_running.IsCompleted)
            return;
        _written = 0;
        _running = RunAsync();
    }

    /// <summary>Ends what is under way. The gate must not be held.</summary>
    public async Task EndAsync()
    {
        _isEnding = true;
        await _running;
        _db?.Dispose();
        _db = null;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            _db ??= SqliteConnection.Open(path, readOnly: false);
            if (_db.Checkpoint() < MaxPages)
                return;
            await gate.WaitAsync();
            try
            {
                _db.Checkpoint();
            }
            finally
            {
                gate.Release();
            }
        }
        catch (StoreException e)
        {
            // What is committed is safe in the journal; it is tried again after some commits.
            LogNotCheckpointed(e);
            _db?.Dispose();
            _db = null;
        }
    }

    [LoggerMessage(3, LogLevel.Warning, "The journal of the log could not be carried over into its file; it is tried again")]
    private partial void LogNotCheckpointed(Exception exception);
}
