namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Brings the <c>keys</c> table up to date, rarely and sorted, because writing random keys with every commit is what makes a store slow
/// once it is large. When enough keys are dirty, a round writes them in slices inside the commits that follow; a crash in between loses
/// nothing, because the events since the last whole round are replayed at start.
/// </summary>
internal sealed class KeyFlush
{
    /// <summary>A round starts at so many dirty keys…</summary>
    private const int MaxDirtyKeys = 100_000;

    /// <summary>…or so many events since the last one, which bounds the replay at start to about half a second: it counts from the last round that was written to its end.</summary>
    private const long MaxEvents = 250_000;

    private readonly SqliteStatement _upsert;
    private readonly SqliteStatement _mark;
    private Dictionary<string, KeyEnd> _dirty = new(StringComparer.Ordinal);
    private SlicedRound<KeyValuePair<string, KeyEnd>>? _round;
    private long _roundEnd;
    private long _events;

    public KeyFlush(SqliteConnection db)
    {
        _upsert = db.Prepare("INSERT INTO keys(key, value, position) VALUES(?, ?, ?) ON CONFLICT(key) DO UPDATE SET value=excluded.value, position=excluded.position");
        _mark = db.Prepare("INSERT INTO meta(name, value) VALUES('keys_at', ?) ON CONFLICT(name) DO UPDATE SET value=excluded.value");
        TakeOverTail(db);
    }

    /// <summary>Notes what a commit appends.</summary>
    public void Note(IReadOnlyList<StoredEvent> events)
    {
        foreach (var e in events)
            _dirty[e.Key] = new KeyEnd(e.Value, e.Position);
        _events += events.Count;
        if (_round is null && (_dirty.Count >= MaxDirtyKeys || _events >= MaxEvents))
            StartRound(events[^1].Position);
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

    private void StartRound(long end)
    {
        _round = new([.. _dirty], static (a, b) => string.CompareOrdinal(a.Key, b.Key), Write);
        (_dirty, _roundEnd, _events) = (new(StringComparer.Ordinal), end, 0);
    }

    private void Write(ReadOnlySpan<KeyValuePair<string, KeyEnd>> rows)
    {
        foreach (var (key, end) in rows)
            _upsert.Bind(key).Bind(end.Value).Bind(end.Position).Run();
    }

    /// <summary>Events that an earlier connection appended after the last whole round are as dirty as new ones.</summary>
    private void TakeOverTail(SqliteConnection db)
    {
        var tail = db.Prepare(Schema.SelectTail);
        while (tail.Step())
        {
            _dirty[tail.Text(0)] = new KeyEnd((uint)tail.Integer(1), tail.Integer(2));
            _events++;
        }

        tail.Reset();
    }
}
