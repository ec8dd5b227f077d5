namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Writes one commit on the writing connection: the events, types and producers seen for the first time, and a slice of the keys and correlation ids.</summary>
internal sealed class EventAppender
{
    /// <summary>Producers known to be stored; forgetting them only costs an INSERT OR IGNORE.</summary>
    private const int MaxKnownProducers = 10_000;

    private readonly SqliteConnection _db;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly EventInsert _events;
    private readonly SqliteStatement _type;
    private readonly SqliteStatement _producer;
    private readonly Dictionary<string, long> _types = new(StringComparer.Ordinal);
    private readonly HashSet<ulong> _producers = [];
    private readonly KeyFlush _keys;
    private readonly CorrelationIndex _correlations;

    public EventAppender(SqliteConnection db)
    {
        _db = db;
        _begin = db.Prepare("BEGIN IMMEDIATE");
        _commit = db.Prepare("COMMIT");
        _events = new EventInsert(db);
        _type = db.Prepare("INSERT INTO event_types(id, name) VALUES(?, ?)");
        _producer = db.Prepare("INSERT OR IGNORE INTO producers(session_id, sender) VALUES(?, ?)");
        _keys = new KeyFlush(db);
        _correlations = new CorrelationIndex(db);
        var types = db.Prepare("SELECT id, name FROM event_types");
        while (types.Step())
            _types[types.Text(1)] = types.Integer(0);
        types.Reset();
    }

    public bool IsOn(SqliteConnection db) => ReferenceEquals(_db, db);

    /// <summary>Opens the transaction and writes. After a fault this object must not be used again.</summary>
    public void Write(IReadOnlyList<StoredEvent> events)
    {
        _begin.Run();
        foreach (var e in events)
            NoteProducer(e.Producer);
        _events.Run(events, TypeOf);
        _keys.Note(events);
        _keys.WriteSlice(events.Count);
        _correlations.Note(events);
        _correlations.WriteSlice(events.Count);
    }

    /// <summary>Makes it durable.</summary>
    public void Commit() => _commit.Run();

    private long TypeOf(StoredEvent e)
    {
        if (_types.TryGetValue(e.EventType, out var type))
            return type;
        type = _types.Count + 1;
        _type.Bind(type).Bind(e.EventType).Run();
        _types.Add(e.EventType, type);
        return type;
    }

    private void NoteProducer(Producer producer)
    {
        if (_producers.Contains(producer.SessionId))
            return;
        _producer.Bind(unchecked((long)producer.SessionId)).Bind(producer.Sender).Run();
        if (_producers.Count >= MaxKnownProducers)
            _producers.Clear();
        _producers.Add(producer.SessionId);
    }
}
