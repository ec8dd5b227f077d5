namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The tables. A commit writes only at the end of things: there is no index on (key, value); every event names the one before it under its
/// key instead, and <c>keys</c> is brought up to date in batches.
/// </summary>
internal static class Schema
{
    /// <summary>"SEQT": marks the file as ours.</summary>
    private const long ApplicationId = 0x53455154;

    private const long Version = 1;

    /// <summary>The ends of keys up to here are in <c>keys</c>, as an SQL expression. (The value of meta is a text; adding 0 makes it a number.)</summary>
    public const string KeysAt = "(coalesce((SELECT value FROM meta WHERE name = 'keys_at'), 0) + 0)";

    /// <summary>What was appended after <c>keys</c> was last brought up to date.</summary>
    public const string SelectTail = $"SELECT key, value, position FROM events WHERE position > {KeysAt} ORDER BY position";

    /// <summary>The same, only what is after a position, and not more than so many.</summary>
    public const string SelectTailPage = $"SELECT key, value, position FROM events WHERE position > max(?, {KeysAt}) ORDER BY position LIMIT ?";

    /// <summary>Events up to here are in <c>correlations</c>, as an SQL expression.</summary>
    public const string CorrelatedTo = "(coalesce((SELECT value FROM meta WHERE name = 'correlated_to'), 0) + 0)";

    public const string Create = """
        CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

        CREATE TABLE IF NOT EXISTS event_types(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

        CREATE TABLE IF NOT EXISTS producers(session_id INTEGER PRIMARY KEY, sender TEXT NOT NULL);

        CREATE TABLE IF NOT EXISTS events(
            position INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            value INTEGER NOT NULL,
            previous INTEGER NOT NULL,        -- position of the event before this one under its key, or 0
            type INTEGER NOT NULL,            -- event_types.id
            correlation_id INTEGER NOT NULL,
            time INTEGER NOT NULL,            -- microseconds since 1970-01-01T00:00:00Z
            session_id INTEGER NOT NULL,      -- producers.session_id
            event_id BLOB,                    -- 16 bytes, big-endian
            traceparent TEXT,
            tracestate TEXT,
            content_type TEXT,
            data TEXT NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS events_by_id ON events(event_id) WHERE event_id IS NOT NULL;
        CREATE INDEX IF NOT EXISTS events_by_type ON events(type);

        -- The end of every key as of meta.keys_at; later events are replayed over it at start.
        CREATE TABLE IF NOT EXISTS keys(key TEXT PRIMARY KEY, value INTEGER NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;

        -- Correlation ids of the events up to meta.correlated_to.
        CREATE TABLE IF NOT EXISTS correlations(correlation_id INTEGER NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY(correlation_id, position)) WITHOUT ROWID;

        CREATE TABLE IF NOT EXISTS client_types(name TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS interests(client_type TEXT NOT NULL, from_position INTEGER NOT NULL, event_types TEXT,
            PRIMARY KEY(client_type, from_position)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS debts(client_type TEXT NOT NULL, key TEXT NOT NULL, first_unacked INTEGER NOT NULL,
            acked_ahead TEXT NOT NULL, failures TEXT NOT NULL, PRIMARY KEY(client_type, key)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS dead_letters(client_type TEXT NOT NULL, position INTEGER NOT NULL, reason TEXT NOT NULL,
            attempts INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(client_type, position)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS redriven(client_type TEXT NOT NULL, position INTEGER NOT NULL, failures INTEGER NOT NULL,
            losses INTEGER NOT NULL, PRIMARY KEY(client_type, position)) WITHOUT ROWID;
        """;

    /// <summary>Marks an empty file as ours, and looks whether another one is.</summary>
    public static void Claim(SqliteConnection db)
    {
        if (IsEmpty(db))
            db.Execute($"PRAGMA application_id={ApplicationId}; PRAGMA user_version={Version};");
        else
            Recognise(db);
    }

    /// <summary>Looks whether the file is a log that this version can read.</summary>
    /// <exception cref="StoreException">It is not; the message says why.</exception>
    public static void Recognise(SqliteConnection db)
    {
        if (IsEmpty(db))
            throw new StoreException("it is empty.");
        if (db.QueryInteger("PRAGMA application_id") != ApplicationId)
            throw new StoreException("it is a database of another program.");
        var version = db.QueryInteger("PRAGMA user_version");
        if (version > Version)
            throw new StoreException($"it was written by a newer version of the bus (schema {version}, this one knows {Version}).");
    }

    private static bool IsEmpty(SqliteConnection db) =>
        db.QueryInteger("PRAGMA application_id") == 0 && db.QueryInteger("SELECT count(*) FROM sqlite_master") == 0;
}
