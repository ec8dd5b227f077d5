using System.Text.Json;

namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>
/// Walks the events. Every event names the one before it under its key; if that has the same key and the value below, and no two events name the same one, the
/// values of each chain are 0, 1, 2, … That a key has only one chain, <see cref="KeyCheck"/> sees.
/// </summary>
internal sealed class EventCheck
{
    private const int EventIdBytes = 16;

    /// <summary>Data may be nested to 124 levels; anything deeper was never accepted.</summary>
    private static readonly JsonReaderOptions DataRules = new() { MaxDepth = 127 };

    private readonly SqliteConnection _db;
    private readonly Findings _findings;
    private readonly SqliteStatement _at;
    private readonly SqliteStatement _producer;
    private readonly SqliteStatement _correlation;
    private readonly HashSet<long> _types = [];
    private readonly PositionSet _named = new();
    private readonly long _correlatedTo;
    private long _lastTime;
    private long _lastProducer;

    public EventCheck(SqliteConnection db, Findings findings)
    {
        (_db, _findings) = (db, findings);
        _at = db.Prepare("SELECT key, value FROM events WHERE position = ?");
        _producer = db.Prepare("SELECT 1 FROM producers WHERE session_id = ?");
        _correlation = db.Prepare("SELECT 1 FROM correlations WHERE correlation_id = ? AND position = ?");
        _correlatedTo = db.QueryInteger($"SELECT {Schema.CorrelatedTo}");
        using var types = db.Prepare("SELECT id FROM event_types");
        while (types.Step())
            _types.Add(types.Integer(0));
    }

    /// <summary>The last position.</summary>
    public long Head { get; private set; }

    public long Count { get; private set; }

    /// <summary>Another event names this one as the one before it.</summary>
    public bool IsFollowed(long position) => _named.Contains(position);

    public void Walk()
    {
        using var events = _db.Prepare("SELECT position, key, value, previous, type, correlation_id, time, session_id, event_id, data FROM events ORDER BY position");
        while (events.Step())
        {
            var position = events.Integer(0);
            if (position != Head + 1)
                _findings.Add(position < 1 ? $"Position {position} is below 1." : $"Positions {Head + 1} to {position - 1} are missing.");
            (Head, Count) = (position, Count + 1);
            CheckChain(position, events);
            CheckFields(position, events);
            CheckData(position, events);
        }

        if (_db.QueryInteger("SELECT count(*) FROM correlations WHERE position <= " + _correlatedTo) > Math.Min(_correlatedTo, Count))
            _findings.Add("The index of correlation ids holds more than the events have.");
    }

    private void CheckChain(long position, SqliteStatement e)
    {
        var (value, previous) = (e.Integer(2), e.Integer(3));
        if (value is < 0 or > uint.MaxValue)
            _findings.Add($"Position {position}: its value {value} is none.");
        if ((previous == 0) != (value == 0) || previous < 0 || previous >= position)
        {
            _findings.Add($"Position {position}: it has value {value}, but names position {previous} as the one before it.");
            return;
        }

        if (previous == 0)
            return;
        if (!_named.Add(previous))
            _findings.Add($"Position {position}: position {previous} is followed by another event already.");
        if (!_at.Bind(previous).Step())
            _findings.Add($"Position {position}: the one before it, position {previous}, does not exist.");
        else if (!_at.Bytes(0).SequenceEqual(e.Bytes(1)))
            _findings.Add($"Position {position}: the one before it, position {previous}, has another key.");
        else if (_at.Integer(1) != value - 1)
            _findings.Add($"Position {position}: it has value {value}, the one before it, position {previous}, has value {_at.Integer(1)}.");
        _at.Reset();
    }

    private void CheckFields(long position, SqliteStatement e)
    {
        var (correlation, time, producer) = (e.Integer(5), e.Integer(6), e.Integer(7));
        if (!_types.Contains(e.Integer(4)))
            _findings.Add($"Position {position}: its event type {e.Integer(4)} has no name.");
        if (correlation is < 0 or > uint.MaxValue)
            _findings.Add($"Position {position}: its correlation id {correlation} is none.");
        if (position <= _correlatedTo && !Exists(_correlation.Bind(correlation).Bind(position)))
            _findings.Add($"Position {position}: its correlation id is not in the index.");
        if (time < _lastTime)
            _findings.Add($"Position {position}: its time is before that of the event before it.");
        _lastTime = Math.Max(time, _lastTime);
        if (producer != _lastProducer && !Exists(_producer.Bind(producer)))
            _findings.Add($"Position {position}: its session {unchecked((ulong)producer)} is unknown.");
        else
            _lastProducer = producer;
        if (!e.IsNull(8) && e.Length(8) != EventIdBytes)
            _findings.Add($"Position {position}: its event id has {e.Length(8)} bytes instead of {EventIdBytes}.");
    }

    private void CheckData(long position, SqliteStatement e)
    {
        try
        {
            var reader = new Utf8JsonReader(e.Bytes(9), DataRules);
            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            _findings.Add($"Position {position}: its data is no JSON.");
        }
    }

    private static bool Exists(SqliteStatement statement)
    {
        var exists = statement.Step();
        statement.Reset();
        return exists;
    }
}
