namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Inserts the rows of events, many with one statement where they are small: its cursors stay at the ends of the table and of its indexes, where a statement a row
/// would look for them anew.
/// </summary>
internal sealed class EventInsert
{
    /// <summary>Rows of a statement of many.</summary>
    private const int Many = 32;

    /// <summary>A statement keeps what it was given until it is given something else, so many together may have so much data.</summary>
    private const int MaxManyBytes = 64 * 1024;

    // A row that fails fails the commit; so nothing is kept to take back the rows before it alone, as it would be without OR ROLLBACK.
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
            bytes += events[i].Data.Length;
        return bytes <= MaxManyBytes;
    }

    private static void Bind(SqliteStatement statement, StoredEvent e, long type) =>
        statement.Bind(e.Position).Bind(e.Key).Bind(e.Value).Bind(e.Previous).Bind(type).Bind(e.CorrelationId).Bind(e.TimeMicros)
            .Bind(unchecked((long)e.Producer.SessionId)).Bind(e.EventId)
            .Bind(e.TraceParent).Bind(e.TraceState).Bind(e.ContentType).BindText(e.Data.Span);
}
