namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Inserts the rows of events, many with one statement where they are small: its cursors stay where they are in the table and its indexes, where a
/// statement for each row would look for its places anew.
/// </summary>
internal sealed class EventInsert
{
    /// <summary>Rows of a statement of many.</summary>
    private const int Many = 32;

    /// <summary>A statement keeps what it was given until it is given something else, so many together may have so much data and text.</summary>
    private const int MaxManyBytes = 64 * 1024;

    // Without OR ROLLBACK SQLite would keep a journal for each statement, to undo a row that fails; here the whole commit is undone.
    private const string Into = "INSERT OR ROLLBACK INTO events(position, key, value, previous, type, correlation_id, time, session_id, event_id, traceparent, tracestate, content_type, data) VALUES";
    private const string Row = "(?,?,?,?,?,?,?,?,?,?,?,?,?)";

    private readonly SqliteStatement _one;
    private readonly SqliteStatement _many;

    public EventInsert(SqliteConnection db)
    {
        _one = db.Prepare(Into + Row);
        _many = db.Prepare(Into + string.Join(',', Enumerable.Repeat(Row, Many)));
    }

    /// <param name="events">What is inserted.</param>
    /// <param name="typeOf">The number of an event's type.</param>
    public void Run(IReadOnlyList<StoredEvent> events, Func<StoredEvent, long> typeOf)
    {
        for (var first = 0; first < events.Count;)
        {
            var (statement, count) = AreSmall(events, first) ? (_many, Many) : (_one, 1);
            for (var end = first + count; first < end; first++)
                Bind(statement, events[first], typeOf(events[first]));
            statement.Run();
        }
    }

    private static bool AreSmall(IReadOnlyList<StoredEvent> events, int first)
    {
        if (events.Count - first < Many)
            return false;
        var bytes = 0;
        for (var i = first; i < first + Many && bytes <= MaxManyBytes; i++)
            bytes += Size(events[i]);
        return bytes <= MaxManyBytes;
    }

    private static int Size(StoredEvent e) =>
        e.Data.Length + e.Key.Length + (e.TraceParent?.Length ?? 0) + (e.TraceState?.Length ?? 0) + (e.ContentType?.Length ?? 0);

    private static void Bind(SqliteStatement statement, StoredEvent e, long type) =>
        statement.Bind(e.Position).Bind(e.Key).Bind(e.Value).Bind(e.Previous).Bind(type).Bind(e.CorrelationId).Bind(e.TimeMicros)
            .Bind(unchecked((long)e.Producer.SessionId)).Bind(e.EventId)
            .Bind(e.TraceParent).Bind(e.TraceState).Bind(e.ContentType).BindText(e.Data.Span);
}
