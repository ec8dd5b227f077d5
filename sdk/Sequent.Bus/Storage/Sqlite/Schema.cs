namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The tables. A commit writes only at the end of things: there is no index on (key, value); every event names the one before it under its
/// key instead, and <c>keys</c> is brought up to date in batches.
/// </summary>
internal static class Schema
{
    /// <summary>What was appended after <c>keys</c> was last brought up to date. (The value of meta is a text; adding 0 makes it a number.)</summary>
    public const string SelectTail =
        "SELECT key, value, position FROM events WHERE position > coalesce((SELECT value FROM meta WHERE name = 'keys_at'), 0) + 0 ORDER BY position";

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
}
