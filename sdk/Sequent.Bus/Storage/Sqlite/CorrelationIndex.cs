namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Brings the index of correlation ids up to date in sorted rounds, for the same reason as <see cref="KeyFlush"/>. What it does not hold yet is
/// found by looking at the events after <c>meta.correlated_to</c>.
/// </summary>
internal sealed class CorrelationIndex
{
    /// <summary>A round starts at so many events; a query looks through at most about twice as many.</summary>
    private const int MaxEvents = 250_000;

    private const int Many = SlicedRound<(uint, long)>.RowsTogether;

    private readonly SqliteStatement _one;
    private readonly SqliteStatement _many;
    private readonly SqliteStatement _mark;
    private List<(uint CorrelationId, long Position)> _pending = [];
    private SlicedRound<(uint CorrelationId, long Position)>? _round;
    private long _roundEnd;

    public CorrelationIndex(SqliteConnection db)
    {
        const string Into = "INSERT OR IGNORE INTO correlations(correlation_id, position) VALUES";
        const string Row = "(?,?)";
        _one = db.Prepare(Into + Row);
        _many = db.Prepare(Into + string.Join(',', Enumerable.Repeat(Row, Many)));
        _mark = db.Prepare("INSERT INTO meta(name, value) VALUES('correlated_to', ?) ON CONFLICT(name) DO UPDATE SET value=excluded.value");
        var tail = db.Prepare($"SELECT correlation_id, position FROM events WHERE position > {Schema.CorrelatedTo} ORDER BY position");
        while (tail.Step())
            _pending.Add(((uint)tail.Integer(0), tail.Integer(1)));
        tail.Reset();
    }

    /// <summary>Notes what a commit appends.</summary>
    public void Note(IReadOnlyList<StoredEvent> events)
    {
        foreach (var e in events)
            _pending.Add((e.CorrelationId, e.Position));
        if (_round is not null || _pending.Count < MaxEvents)
            return;
        (_round, _roundEnd) = (new([.. _pending], static (a, b) => a.CompareTo(b), Write), events[^1].Position);
        _pending = [];
    }

    /// <summary>Writes the next part of a round, if one is under way, within the transaction that is open.</summary>
    /// <param name="events">Events of this commit.</param>
    public void WriteSlice(int events)
    {
        if (_round?.WriteSlice(events) != true)
            return;
        _mark.Bind(_roundEnd).Run();
        _round = null;
    }

    private void Write(ReadOnlySpan<(uint CorrelationId, long Position)> rows)
    {
        if (rows.Length < Many)
        {
            foreach (var (correlationId, position) in rows)
                _one.Bind(correlationId).Bind(position).Run();
            return;
        }

        foreach (var (correlationId, position) in rows)
            _many.Bind(correlationId).Bind(position);
        _many.Run();
    }
}
