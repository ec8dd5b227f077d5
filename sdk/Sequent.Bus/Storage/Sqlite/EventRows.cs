namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Reads events on a connection of its own. Every call steps its statement to the end and resets it.</summary>
internal sealed class EventRows : IDisposable
{
    private const string Whole =
        "SELECT position, key, value, previous, type, correlation_id, time, session_id, event_id, traceparent, tracestate, content_type, data FROM events";

    /// <summary>Where the data is among them.</summary>
    private const int Data = 12;

    /// <summary>More producers than this are not remembered.</summary>
    private const int MaxProducers = 1_000;

    // The data is the last column, so a statement that does not ask for it never reads the pages it overflows into.
    private const string Header = "SELECT position, key, value, type FROM events";

    private readonly SqliteConnection _db;
    private readonly SqliteStatement _range;
    private readonly SqliteStatement _rangeBack;
    private readonly SqliteStatement _at;
    private readonly SqliteStatement _headers;
    private readonly SqliteStatement _headerAt;
    private readonly SqliteStatement _previous;
    private readonly SqliteStatement _byId;
    private readonly SqliteStatement _largestId;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _timeAt;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _keys;
    private readonly SqliteStatement _keysAfter;
    private readonly SqliteStatement _tail;
    private readonly SqliteStatement _types;
    private readonly SqliteStatement _sender;
    private readonly PositionIndex _positions;

    // Shared strings: a queue that holds many headers holds each name once.
    private readonly Dictionary<long, string> _typeNames = [];
    private readonly Dictionary<long, Producer> _producers = [];

    public EventRows(SqliteConnection db)
    {
        _db = db;
        _range = db.Prepare($"{Whole} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?");
        _rangeBack = db.Prepare($"{Whole} WHERE position > ? AND position <= ? ORDER BY position DESC LIMIT ?");
        _at = db.Prepare($"{Whole} WHERE position = ?");
        _headers = db.Prepare($"{Header} WHERE position > ? ORDER BY position LIMIT ?");
        _headerAt = db.Prepare($"{Header} WHERE position = ?");
        _previous = db.Prepare("SELECT previous FROM events WHERE position = ?");
        _byId = db.Prepare("SELECT key, value, position, type FROM events WHERE event_id = ?");
        _largestId = db.Prepare("SELECT event_id FROM events WHERE event_id IS NOT NULL ORDER BY event_id DESC LIMIT 1");
        _begin = db.Prepare("BEGIN");
        _commit = db.Prepare("COMMIT");
        _timeAt = db.Prepare("SELECT time FROM events WHERE position = ?");
        _end = db.Prepare("SELECT position, time FROM events ORDER BY position DESC LIMIT 1");
        _keys = db.Prepare("SELECT key, value, position FROM keys ORDER BY key LIMIT ?");
        _keysAfter = db.Prepare("SELECT key, value, position FROM keys WHERE key > ? ORDER BY key LIMIT ?");
        _tail = db.Prepare(Schema.SelectTailPage);
        _types = db.Prepare("SELECT id, name FROM event_types");
        _sender = db.Prepare("SELECT sender FROM producers WHERE session_id = ?");
        _positions = new PositionIndex(db);
    }

    public LogEnd ReadEnd()
    {
        var end = _end.Step() ? new LogEnd(_end.Integer(0), _end.Integer(1)) : default;
        _end.Reset();
        return end;
    }

    /// <summary>The saved ends of keys after one of them, in the order of the keys.</summary>
    public List<KeyValuePair<string, KeyEnd>> ReadKeys(string? after, int max) =>
        ReadKeyEnds(after is null ? _keys.Bind(max) : _keysAfter.Bind(after).Bind(max));

    /// <summary>What was appended since the ends of keys were saved, after a position, in order.</summary>
    public List<KeyValuePair<string, KeyEnd>> ReadTail(long after, int max) => ReadKeyEnds(_tail.Bind(after).Bind(max));

    public IReadOnlyDictionary<Guid, StoredPlace> Find(IReadOnlyCollection<Guid> ids)
    {
        // One transaction: beginning one for each of them would cost more than looking it up.
        var found = new Dictionary<Guid, StoredPlace>();
        _begin.Run();
        foreach (var id in ids)
        {
            if (_byId.Bind(id).Step())
                found[id] = new StoredPlace(_byId.Text(0), (uint)_byId.Integer(1), _byId.Integer(2), TypeName(_byId.Integer(3)));
            _byId.Reset();
        }

        _commit.Run();
        return found;
    }

    /// <summary>No stored event has an id that comes after this one. Null: none has any.</summary>
    public Guid? LargestId()
    {
        var id = _largestId.Step() ? _largestId.Uuid(0) : null;
        _largestId.Reset();
        return id;
    }

    public LogSlice Read(LogRange range)
    {
        var rows = range.Descending ? _rangeBack : _range;
        var events = new List<StoredEvent>();
        rows.Bind(range.After).Bind(range.Until).Bind(range.MaxEvents);
        var isAll = true;
        for (var bytes = 0L; rows.Step();)
        {
            bytes += rows.Length(Data);
            if (bytes > range.MaxBytes && events.Count > 0)
            {
                isAll = false;
                break;
            }

            events.Add(ReadRow(rows));
        }

        rows.Reset();
        return new LogSlice(events, isAll && events.Count < range.MaxEvents);
    }

    public LogSlice ReadTypes(IReadOnlyCollection<string> eventTypes, LogRange range) => ReadFound(_positions.OfTypes(eventTypes, range), range);

    public LogSlice ReadCorrelated(uint correlationId, LogRange range) => ReadFound(_positions.OfCorrelation(correlationId, range), range);

    public IReadOnlyList<StoredEvent> ReadAt(IEnumerable<long> positions, int maxBytes)
    {
        var events = new List<StoredEvent>();
        var bytes = 0L;
        foreach (var position in positions)
        {
            if (!_at.Bind(position).Step())
            {
                _at.Reset();
                throw new StoreException($"There is no event at position {position}; run sequent verify on the file.");
            }

            bytes += _at.Length(Data);
            var isFull = bytes > maxBytes && events.Count > 0;
            if (!isFull)
                events.Add(ReadRow(_at));
            _at.Reset();
            if (isFull)
                break;
        }

        return events;
    }

    public IReadOnlyList<EventHeader> ReadHeaders(long after, int max)
    {
        var headers = new List<EventHeader>();
        _headers.Bind(after).Bind(max);
        while (_headers.Step())
            headers.Add(ReadHeader(_headers));
        _headers.Reset();
        return headers;
    }

    public IReadOnlyList<EventHeader> ReadHeadersAt(IReadOnlyList<long> positions)
    {
        var headers = new List<EventHeader>(positions.Count);
        foreach (var position in positions)
        {
            if (_headerAt.Bind(position).Step())
                headers.Add(ReadHeader(_headerAt));
            _headerAt.Reset();
        }

        return headers;
    }

    /// <summary>Takes a walk further by so many events.</summary>
    public bool Walk(Chain chain, int steps)
    {
        for (; steps > 0 && !chain.IsWhole; steps--)
        {
            chain.Add(_previous.Bind(chain.Next).Step() ? _previous.Integer(0) : 0);
            _previous.Reset();
        }

        return chain.IsWhole;
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

    private static List<KeyValuePair<string, KeyEnd>> ReadKeyEnds(SqliteStatement rows)
    {
        var ends = new List<KeyValuePair<string, KeyEnd>>();
        while (rows.Step())
            ends.Add(new(rows.Text(0), new KeyEnd((uint)rows.Integer(1), rows.Integer(2))));
        rows.Reset();
        return ends;
    }

    private LogSlice ReadFound(IReadOnlyList<long> positions, LogRange range)
    {
        var events = ReadAt(positions, range.MaxBytes);
        return new LogSlice(events, events.Count == positions.Count && events.Count < range.MaxEvents);
    }

    private string TypeName(long id)
    {
        if (_typeNames.TryGetValue(id, out var name))
            return name;
        while (_types.Step())
            _typeNames.TryAdd(_types.Integer(0), _types.Text(1));
        _types.Reset();
        return _typeNames[id];
    }

    private EventHeader ReadHeader(SqliteStatement row) => new(row.Integer(0), row.Text(1), (uint)row.Integer(2), TypeName(row.Integer(3)));

    private StoredEvent ReadRow(SqliteStatement row) => new()
    {
        Position = row.Integer(0),
        Key = row.Text(1),
        Value = (uint)row.Integer(2),
        Previous = row.Integer(3),
        EventType = TypeName(row.Integer(4)),
        CorrelationId = (uint)row.Integer(5),
        TimeMicros = row.Integer(6),
        Producer = ProducerOf(row.Integer(7)),
        EventId = row.Uuid(8),
        TraceParent = row.TextOrNull(9),
        TraceState = row.TextOrNull(10),
        ContentType = row.TextOrNull(11),
        Data = row.Bytes(Data).ToArray(),
    };

    private Producer ProducerOf(long sessionId)
    {
        if (_producers.TryGetValue(sessionId, out var producer))
            return producer;
        var isKnown = _sender.Bind(sessionId).Step();
        var sender = isKnown ? _sender.Text(0) : "";
        _sender.Reset();
        if (!isKnown)
            throw new StoreException($"Nothing is known of the producer {unchecked((ulong)sessionId)}; run sequent verify on the file.");
        if (_producers.Count >= MaxProducers)
            _producers.Clear();
        return _producers[sessionId] = new Producer(unchecked((ulong)sessionId), sender);
    }
}
