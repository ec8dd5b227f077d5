using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The one file: its lock, its schema, the single writing connection and a few reading ones. Everything that writes takes the gate, so
/// that SQLite's own lock is never waited for.
/// </summary>
internal sealed partial class SqliteFile : IAsyncDisposable
{
    /// <summary>EWOULDBLOCK: somebody else holds the lock.</summary>
    private const int LockedOnUnix = 11;

    /// <summary>ERROR_SHARING_VIOLATION.</summary>
    private const int LockedOnWindows = unchecked((int)0x80070020);

    /// <summary>More readers than this wait for one another.</summary>
    private const int MaxReaders = 16;

    private const long DefaultMaxJournalBytes = 256 * 1024 * 1024;

    /// <summary>How long new readers are held back until those that are reading are done.</summary>
    private static readonly TimeSpan DefaultMaxHoldBack = TimeSpan.FromMilliseconds(100);

    /// <summary>After a look in vain so many are passed over.</summary>
    private const int LooksToPass = 64;

    /// <summary>Writes between two looks at the size of the journal.</summary>
    private const int WritesPerLook = 256;

    private readonly string _path;
    private readonly Durability _durability;
    private readonly ILogger _logger;
    private readonly long _maxJournalBytes;
    private readonly TimeSpan _maxHoldBack;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly SemaphoreSlim _readers = new(MaxReaders);
    private readonly Checkpointer _checkpointer;
    private readonly Stack<EventRows> _idle = [];

    // The sequencer's look-ups: every publish waits for them, so they wait for nobody.
    private readonly SemaphoreSlim _first = new(1);
    private EventRows? _firstRows;
    private int _writes;
    private int _looksToPass;
    private bool _isDisposed;
    private FileStream? _lock;
    private SqliteConnection? _writer;

    /// <param name="path">The file.</param>
    /// <param name="durability">What a commit promises.</param>
    /// <param name="logger">Is told of trouble.</param>
    /// <param name="maxJournalBytes">Readers that come one after the other leave SQLite no moment to start its journal over; beyond this size they are held back for one.</param>
    /// <param name="maxHoldBack">For how long, at most. Null: 100 ms.</param>
    /// <param name="checkpointPages">Pages of the journal that are carried over together.</param>
    public SqliteFile(string path, Durability durability, ILogger logger, long maxJournalBytes = DefaultMaxJournalBytes, TimeSpan? maxHoldBack = null, int checkpointPages = Checkpointer.DefaultPages)
    {
        _path = Path.GetFullPath(path);
        _durability = durability;
        _logger = logger;
        _maxJournalBytes = maxJournalBytes;
        _maxHoldBack = maxHoldBack ?? DefaultMaxHoldBack;
        _checkpointer = new Checkpointer(_path, _gate, checkpointPages, logger);
    }

    public string LogId { get; private set; } = "";

    /// <summary>Takes the lock, opens the file and brings its schema up to date.</summary>
    public void Open()
    {
        TakeLock();
        _writer = OpenWriter();
        LogId = LogIdentity.Open(_writer, _durability);
        LogOpened(_path);
    }

    /// <summary>Runs work on the writing connection, alone.</summary>
    public async ValueTask<T> WriteAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _writer ??= OpenWriter();
            var result = work(_writer);
            if (++_writes % WritesPerLook == 0)
                await ShrinkJournalAsync();
            if (_writer is not null)
                await _checkpointer.CommittedAsync(_writer);
            return result;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Runs one read on a connection of its own. It must finish its statements, so that no read transaction stays open.</summary>
    public async ValueTask<T> ReadAsync<T>(Func<EventRows, T> work, CancellationToken cancellationToken)
    {
        await _readers.WaitAsync(cancellationToken);
        try
        {
            EventRows? rows;
            lock (_idle)
                _idle.TryPop(out rows);
            rows ??= new EventRows(SqliteConnection.Open(_path, readOnly: true));
            return ReadOn(rows, work);
        }
        finally
        {
            _readers.Release();
        }
    }

    /// <summary>As <see cref="ReadAsync"/>, but waits for no other reader than its own kind.</summary>
    public async ValueTask<T> ReadFirstAsync<T>(Func<EventRows, T> work, CancellationToken cancellationToken)
    {
        await _first.WaitAsync(cancellationToken);
        try
        {
            _firstRows ??= new EventRows(SqliteConnection.Open(_path, readOnly: true));
            return work(_firstRows);
        }
        catch
        {
            _firstRows?.Dispose();
            _firstRows = null;
            throw;
        }
        finally
        {
            _first.Release();
        }
    }

    /// <summary>
    /// Only with the gate held. Nobody is waited for: readers that are gone in a moment are held back for that long, and where another process
    /// reads, such as a backup, it is tried again later.
    /// </summary>
    private async ValueTask ShrinkJournalAsync()
    {
        if (_writer is null || _looksToPass-- > 0 || new FileInfo(_path + "-wal") is not { Exists: true, Length: var length } || length <= _maxJournalBytes)
            return;
        await _checkpointer.AloneAsync(() => ShrinkAsync(_writer, length));
    }

    private async ValueTask ShrinkAsync(SqliteConnection writer, long length)
    {
        if (TryShrink(writer))
            return;
        var held = 0;
        using var limit = new CancellationTokenSource(_maxHoldBack);
        try
        {
            for (; held < MaxReaders; held++)
                await _readers.WaitAsync(limit.Token);
            if (TryShrink(writer))
                return;
        }
        catch (OperationCanceledException)
        {
            // Too many read, or for too long.
        }
        finally
        {
            if (held > 0)
                _readers.Release(held);
        }

        _looksToPass = LooksToPass;
        LogNotShrunk(length);
    }

    private static bool TryShrink(SqliteConnection db)
    {
        try
        {
            return db.WithoutWaiting(d => d.QueryInteger("PRAGMA wal_checkpoint(TRUNCATE)")) == 0; // 1: somebody reads
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private T ReadOn<T>(EventRows rows, Func<EventRows, T> work)
    {
        try
        {
            var result = work(rows);
            lock (_idle)
                _idle.Push(rows);
            return result;
        }
        catch
        {
            // Whatever state its statements are in: the next read opens another connection.
            rows.Dispose();
            throw;
        }
    }

    /// <summary>Drops the writing connection, whatever state it is in; the next write opens a new one.</summary>
    public void DropWriter()
    {
        _writer?.Dispose();
        _writer = null;
    }

    public async ValueTask DisposeAsync()
    {
        // From here on nobody writes, so that no further pass of the checkpointer begins.
        await _gate.WaitAsync();
        _isDisposed = true;
        _gate.Release();
        await _checkpointer.DisposeAsync();
        lock (_idle)
        {
            while (_idle.TryPop(out var rows))
                rows.Dispose();
        }

        await _first.WaitAsync();
        _firstRows?.Dispose();
        _firstRows = null;
        _first.Release();

        if (_writer is not null)
            LogIdentity.Close(_writer);
        DropWriter();
        if (_lock is not null)
            await _lock.DisposeAsync();
    }

    private void TakeLock()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            _lock = new FileStream(_path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreException($"Cannot write to {_path}: access is denied. Choose another file with --data, or mend its permissions.", e);
        }
        catch (IOException e) when (e.HResult is LockedOnUnix or LockedOnWindows)
        {
            throw new StoreException($"{_path} is in use by another bus. Stop that one first, or choose another file with --data.", e);
        }
        catch (IOException e)
        {
            throw new StoreException($"Cannot create {_path}: {e.Message}", e);
        }
    }

    private SqliteConnection OpenWriter()
    {
        var db = SqliteConnection.Open(_path, readOnly: false);
        try
        {
            // A new file is first written with a rollback journal. EXTRA also syncs the folder when that is deleted: one that is back after
            // a power failure would roll the file back to nothing. With pages of 8 KiB a large commit takes half as many writes; one of a single event has
            // more bytes to write, which beside its fsync is little. An existing file keeps the pages it has.
            db.Execute("PRAGMA page_size=8192; PRAGMA synchronous=EXTRA;");
            Schema.Claim(db);
            LogIdentity.RefuseBackup(db);
            db.Execute("PRAGMA journal_mode=WAL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=0;");
            db.Execute(_durability == Durability.Full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            db.Execute(Schema.Create);
            return db;
        }
        catch (StoreException e)
        {
            db.Dispose();
            throw new StoreException($"Cannot use {_path}: {e.Message}", e);
        }
    }

    [LoggerMessage(2, LogLevel.Warning, "The journal of the log has {Bytes} bytes and cannot start over while somebody reads, such as a backup; it is tried again later")]
    private partial void LogNotShrunk(long bytes);

    [LoggerMessage(1, LogLevel.Debug, "Opened {Path}")]
    private partial void LogOpened(string path);
}
