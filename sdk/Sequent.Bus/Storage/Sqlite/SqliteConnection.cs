using SQLitePCL;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>One connection to the file, with prepared statements that live as long as it does. Not thread-safe.</summary>
internal sealed class SqliteConnection : IDisposable
{
    /// <summary>How long a statement waits for another process, in milliseconds.</summary>
    private const int BusyTimeoutMs = 5_000;

    private readonly sqlite3 _db;
    private readonly HashSet<SqliteStatement> _statements = [];

    private SqliteConnection(sqlite3 db) => _db = db;

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="StoreException">It cannot be opened.</exception>
    public static SqliteConnection Open(string path, bool readOnly)
    {
        Batteries_V2.Init();
        if (raw.GetNativeLibraryName() is var library && library != SqliteNative.Library)
            throw new StoreException($"This program has SQLitePCLRaw use {library}; a log on disk needs {SqliteNative.Library}, as SQLitePCLRaw.bundle_e_sqlite3 sets it up.");
        var flags = readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE;
        var result = raw.sqlite3_open_v2(path, out var db, flags | raw.SQLITE_OPEN_NOMUTEX, null);
        if (result != raw.SQLITE_OK)
        {
            var reason = raw.sqlite3_errstr(result).utf8_to_string();
            db?.Dispose();
            throw new StoreException($"Cannot open {path}: {reason}.");
        }

        raw.sqlite3_busy_timeout(db, BusyTimeoutMs);
        return new SqliteConnection(db);
    }

    /// <summary>Runs something that must not wait for another process.</summary>
    public T WithoutWaiting<T>(Func<SqliteConnection, T> work)
    {
        raw.sqlite3_busy_timeout(_db, 0);
        try
        {
            return work(this);
        }
        finally
        {
            raw.sqlite3_busy_timeout(_db, BusyTimeoutMs);
        }
    }

    /// <summary>Runs statements that give no rows, or whose rows do not matter.</summary>
    public void Execute(string sql)
    {
        var result = raw.sqlite3_exec(_db, sql);
        if (result != raw.SQLITE_OK)
            throw Fault(result);
    }

    /// <summary>Prepares a statement; it is disposed with the connection at the latest.</summary>
    public SqliteStatement Prepare(string sql)
    {
        var result = raw.sqlite3_prepare_v3(_db, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement);
        if (result != raw.SQLITE_OK)
            throw Fault(result);
        var prepared = new SqliteStatement(this, statement);
        _statements.Add(prepared);
        return prepared;
    }

    /// <summary>A statement was disposed before its connection.</summary>
    public void Forget(SqliteStatement statement) => _statements.Remove(statement);

    /// <summary>A single integer, such as a pragma's value; 0 if there is no row.</summary>
    public long QueryInteger(string sql)
    {
        var result = raw.sqlite3_prepare_v2(_db, sql, out var statement);
        if (result != raw.SQLITE_OK)
            throw Fault(result);
        using (statement)
        {
            result = raw.sqlite3_step(statement);
            if (result is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
                throw Fault(result);
            return result == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : 0;
        }
    }

    /// <summary>Writes a snapshot of everything to a new file, without the room that is free inside this one.</summary>
    public long CopyTo(string path)
    {
        using var copy = Prepare("VACUUM INTO ?").Bind(path);
        copy.Run();
        return new FileInfo(path).Length;
    }

    /// <summary>Carries over of the journal what nobody reads or writes, without waiting for anybody.</summary>
    /// <returns>How many of the pages that were committed when it began are left: somebody reads what was before them.</returns>
    public long Checkpoint()
    {
        using var statement = Prepare("PRAGMA wal_checkpoint(PASSIVE)");
        return statement.Step() && statement.Integer(0) == 0 ? statement.Integer(1) - statement.Integer(2) : long.MaxValue;
    }

    /// <summary>How many pages were written since the last call.</summary>
    public int TakePagesWritten() =>
        raw.sqlite3_db_status(_db, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var pages, out _, resetFlg: 1) == raw.SQLITE_OK ? pages : 0;

    /// <summary>Makes a statement that runs on another thread fail soon.</summary>
    public void Interrupt() => raw.sqlite3_interrupt(_db);

    /// <summary>Ends a failed transaction. SQLite has often done so itself, so a fault here means nothing.</summary>
    public void TryRollback() => _ = raw.sqlite3_exec(_db, "ROLLBACK");

    public StoreException Fault(int result) =>
        new($"SQLite failed: {raw.sqlite3_errmsg(_db).utf8_to_string()} (code {result}).");

    public void Dispose()
    {
        foreach (var statement in _statements.ToArray())
            statement.Dispose();
        _db.Dispose();
    }
}
