namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Reads events on a connection of its own. Every call steps its statement to the end and resets it.</summary>
internal sealed class EventRows : IDisposable
{
    private const string Columns =
        "e.position, e.key, e.value, e.previous, t.name, e.correlation_id, e.time, e.session_id, p.sender, e.event_id, e.traceparent, e.tracestate, e.content_type, e.data";

    private const string From = "events e JOIN event_types t ON t.id = e.type JOIN producers p ON p.session_id = e.session_id";

    private readonly SqliteConnection _db;
    private readonly SqliteStatement _range;
    private readonly SqliteStatement _at;
    private readonly SqliteStatement _typeRange;
    private readonly SqliteStatement _previous;
    private readonly SqliteStatement _byId;
    private readonly SqliteStatement _timeAt;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _keys;
    private readonly SqliteStatement _keysSince;

    public EventRows(SqliteConnection db)
    {
        _db = db;
        _range = db.Prepare($"SELECT {Columns} FROM {From} WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?");
        _at = db.Prepare($"SELECT {Columns} FROM {From} WHERE e.position = ?");
        _typeRange = db.Prepare("SELECT position FROM events WHERE type = (SELECT id FROM event_types WHERE name = ?) AND position > ? AND position <= ? ORDER BY position LIMIT ?");
        _previous = db.Prepare("SELECT previous FROM events WHERE position = ?");
        _byId = db.Prepare("SELECT e.key, e.value, e.position, t.name FROM events e JOIN event_types t ON t.id = e.type WHERE e.event_id = ?");
        _timeAt = db.Prepare("SELECT time FROM events WHERE position = ?");
        _end = db.Prepare("SELECT position, time FROM events ORDER BY position DESC LIMIT 1");
        _keys = db.Prepare("SELECT key, value, position FROM keys");
        _keysSince = db.Prepare(Schema.SelectTail);
    }

    public LogEnd ReadEnd()
    {
        var end = _end.Step() ? new LogEnd(_end.Integer(0), _end.Integer(1)) : default;
        _end.Reset();
        return end;
    }

    /// <summary>Every key's end: the saved table, then what was appended since. Later ones replace earlier ones.</summary>
    public Dictionary<string, KeyEnd> ReadKeys()
    {
        var keys = new Dictionary<string, KeyEnd>(StringComparer.Ordinal);
        foreach (var statement in (SqliteStatement[])[_keys, _keysSince])
        {
            while (statement.Step())
                keys[statement.Text(0)] = new KeyEnd((uint)statement.Integer(1), statement.Integer(2));
            statement.Reset();
        }

        return keys;
    }

    public IReadOnlyDictionary<Guid, StoredPlace> Find(IReadOnlyCollection<Guid> ids)
    {
        var found = new Dictionary<Guid, StoredPlace>();
        foreach (var id in ids)
        {
            if (_byId.Bind(id).Step())
                found[id] = new StoredPlace(_byId.Text(0), (uint)_byId.Integer(1), _byId.Integer(2), _byId.Text(3));
            _byId.Reset();
        }

        return found;
    }

    public IReadOnlyList<StoredEvent> Read(long after, long until, int max)
    {
        var events = new List<StoredEvent>();
        _range.Bind(after).Bind(until).Bind(max);
        while (_range.Step())
            events.Add(ReadRow(_range));
        _range.Reset();
        return events;
    }

    public IReadOnlyList<StoredEvent> ReadAt(IEnumerable<long> positions)
    {
        var events = new List<StoredEvent>();
        foreach (var position in positions)
        {
            if (_at.Bind(position).Step())
                events.Add(ReadRow(_at));
            _at.Reset();
        }

        return events;
    }

    /// <summary>Merges the types' own ascending positions; that never sorts more than types times max rows.</summary>
    public IReadOnlyList<StoredEvent> ReadTypes(IReadOnlyCollection<string> eventTypes, long after, long until, int max)
    {
        var positions = new List<long>();
        foreach (var eventType in eventTypes.Distinct(StringComparer.Ordinal))
        {
            _typeRange.Bind(eventType).Bind(after).Bind(until).Bind(max);
            while (_typeRange.Step())
                positions.Add(_typeRange.Integer(0));
            _typeRange.Reset();
        }

        positions.Sort();
        return ReadAt(positions.Take(max));
    }

    public IReadOnlyList<long> ReadChain(long last, long after)
    {
        var chain = new List<long>();
        for (var position = last; position > after;)
        {
            chain.Add(position);
            position = _previous.Bind(position).Step() ? _previous.Integer(0) : 0;
            _previous.Reset();
        }

        chain.Reverse();
        return chain;
    }

    /// <summary>Binary search: time rises with position.</summary>
    public long FindTime(long timeMicros)
    {
        long low = 0, high = ReadEnd().Position;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            var time = _timeAt.Bind(middle).Step() ? _timeAt.Integer(0) : long.MaxValue;
            _timeAt.Reset();
            if (time <= timeMicros)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    public void Dispose() => _db.Dispose();

    private static StoredEvent ReadRow(SqliteStatement row) => new()
    {
        Position = row.Integer(0),
        Key = row.Text(1),
        Value = (uint)row.Integer(2),
        Previous = row.Integer(3),
        EventType = row.Text(4),
        CorrelationId = (uint)row.Integer(5),
        TimeMicros = row.Integer(6),
        Producer = new Producer(unchecked((ulong)row.Integer(7)), row.Text(8)),
        EventId = row.Uuid(9),
        TraceParent = row.TextOrNull(10),
        TraceState = row.TextOrNull(11),
        ContentType = row.TextOrNull(12),
        Data = row.Bytes(13).ToArray(),
    };
}
