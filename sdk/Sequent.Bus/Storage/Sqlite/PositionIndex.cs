namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Finds the positions of events by their type or correlation id, never more than a range asks for.</summary>
internal sealed class PositionIndex
{
    private readonly SqliteStatement _ofType;
    private readonly SqliteStatement _ofTypeBack;
    private readonly SqliteStatement _correlated;
    private readonly SqliteStatement _correlatedBack;
    private readonly SqliteStatement _notIndexed;
    private readonly SqliteStatement _notIndexedBack;

    public PositionIndex(SqliteConnection db)
    {
        const string OfType = "SELECT position FROM events WHERE type = (SELECT id FROM event_types WHERE name = ?) AND position > ? AND position <= ? ORDER BY position";
        _ofType = db.Prepare($"{OfType} LIMIT ?");
        _ofTypeBack = db.Prepare($"{OfType} DESC LIMIT ?");
        const string Correlated = "SELECT position FROM correlations WHERE correlation_id = ? AND position > ? AND position <= ? ORDER BY position";
        _correlated = db.Prepare($"{Correlated} LIMIT ?");
        _correlatedBack = db.Prepare($"{Correlated} DESC LIMIT ?");
        const string NotIndexed = $"SELECT position FROM events WHERE correlation_id = ? AND position > max(?, {Schema.CorrelatedTo}) AND position <= ? ORDER BY position";
        _notIndexed = db.Prepare($"{NotIndexed} LIMIT ?");
        _notIndexedBack = db.Prepare($"{NotIndexed} DESC LIMIT ?");
    }

    /// <summary>Merges the types' own sorted positions; that never sorts more than types times events.</summary>
    public IReadOnlyList<long> OfTypes(IReadOnlyCollection<string> eventTypes, LogRange range)
    {
        var positions = new List<long>();
        var rows = range.Descending ? _ofTypeBack : _ofType;
        foreach (var eventType in eventTypes.Distinct(StringComparer.Ordinal))
            Read(rows.Bind(eventType).Bind(range.After).Bind(range.Until).Bind(range.MaxEvents), positions);
        return Cut(positions, range);
    }

    /// <summary>Of the index, and of what it does not hold yet: the index is brought up to date in the background.</summary>
    public IReadOnlyList<long> OfCorrelation(uint correlationId, LogRange range)
    {
        // An event enters the index in one transaction with the mark, so it may be met in both, never in none, if the index is read last.
        var positions = new List<long>();
        var (notIndexed, indexed) = range.Descending ? (_notIndexedBack, _correlatedBack) : (_notIndexed, _correlated);
        Read(notIndexed.Bind(correlationId).Bind(range.After).Bind(range.Until).Bind(range.MaxEvents), positions);
        Read(indexed.Bind(correlationId).Bind(range.After).Bind(range.Until).Bind(range.MaxEvents), positions);
        return Cut([.. positions.Distinct()], range);
    }

    private static void Read(SqliteStatement rows, List<long> positions)
    {
        while (rows.Step())
            positions.Add(rows.Integer(0));
        rows.Reset();
    }

    private static List<long> Cut(List<long> positions, LogRange range)
    {
        positions.Sort();
        if (range.Descending)
            positions.Reverse();
        return positions.Count <= range.MaxEvents ? positions : positions.GetRange(0, range.MaxEvents);
    }
}
