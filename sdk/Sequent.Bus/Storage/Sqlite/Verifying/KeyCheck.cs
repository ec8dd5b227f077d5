namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>
/// Compares the ends of the chains with the saved ends of keys: up to where these were saved, every chain's end is the end of its key; so no key has two.
/// Of the events after that, few enough to be held, no two may be ends of one key.
/// </summary>
internal sealed class KeyCheck
{
    private readonly SqliteConnection _db;
    private readonly Findings _findings;
    private readonly EventCheck _events;
    private readonly SqliteStatement _at;
    private readonly SqliteStatement _saved;
    private readonly long _savedTo;

    public KeyCheck(SqliteConnection db, Findings findings, EventCheck events)
    {
        (_db, _findings, _events) = (db, findings, events);
        _at = db.Prepare("SELECT key, value FROM events WHERE position = ?");
        _saved = db.Prepare("SELECT position FROM keys WHERE key = ?");
        _savedTo = db.QueryInteger($"SELECT {Schema.KeysAt}");
    }

    public long Count { get; private set; }

    public void CheckEnds()
    {
        if (_savedTo > _events.Head)
            _findings.Add($"The ends of keys were saved up to position {_savedTo}, but the log ends at {_events.Head}.");
        var recent = CollectRecentEnds();
        Count = recent.Count;
        for (var position = 1L; position <= Math.Min(_savedTo, _events.Count); position++)
        {
            if (!_events.IsFollowed(position))
                CheckOldEnd(position, recent);
        }

        CheckSaved();
    }

    /// <summary>The ends of keys after the last whole round of saving.</summary>
    private Dictionary<string, long> CollectRecentEnds()
    {
        var ends = new Dictionary<string, long>(StringComparer.Ordinal);
        using var events = _db.Prepare("SELECT position, key FROM events WHERE position > ? ORDER BY position").Bind(_savedTo);
        while (events.Step())
        {
            if (!_events.IsFollowed(events.Integer(0)) && !ends.TryAdd(events.Text(1), events.Integer(0)))
                _findings.Add($"Positions {ends[events.Text(1)]} and {events.Integer(0)} are both the last of their key.");
        }

        return ends;
    }

    private void CheckOldEnd(long position, Dictionary<string, long> recent)
    {
        var key = _at.Bind(position).Step() ? _at.Text(0) : null;
        _at.Reset();
        if (key is null)
            return; // missing: told already
        Count++;
        if (recent.TryGetValue(key, out var later))
            _findings.Add($"Positions {position} and {later} are both the last of their key.");
        var saved = _saved.Bind(key).Step() ? _saved.Integer(0) : 0;
        _saved.Reset();
        if (saved != position)
            _findings.Add($"Position {position} is the last of its key, but the saved one is {saved}.");
    }

    private void CheckSaved()
    {
        using var keys = _db.Prepare("SELECT key, value, position FROM keys");
        while (keys.Step())
        {
            var isThere = _at.Bind(keys.Integer(2)).Step() && _at.Bytes(0).SequenceEqual(keys.Bytes(0)) && _at.Integer(1) == keys.Integer(1);
            _at.Reset();
            if (!isThere)
                _findings.Add($"The saved end of a key names position {keys.Integer(2)} with value {keys.Integer(1)}, which is not its event.");
        }
    }
}
