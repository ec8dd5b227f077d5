using System.Text.Json;

namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>Looks through the delivery state: nothing of it may name what the log does not hold, or belong to nobody.</summary>
internal sealed class DeliveryCheck
{
    private readonly SqliteConnection _db;
    private readonly Findings _findings;
    private readonly long _head;
    private readonly Dictionary<string, long> _cursors = new(StringComparer.Ordinal);
    private readonly SqliteStatement _key;

    public DeliveryCheck(SqliteConnection db, Findings findings, long head)
    {
        (_db, _findings, _head) = (db, findings, head);
        _key = db.Prepare("SELECT key FROM events WHERE position = ?");
    }

    /// <summary>Returns how many client types there are.</summary>
    public int Check()
    {
        CheckCursors();
        CheckInterests();
        CheckDebts();
        CheckPositions("dead_letters", "dead letter");
        CheckPositions("redriven", "redriven event");
        return _cursors.Count;
    }

    private void CheckCursors()
    {
        using var rows = _db.Prepare("SELECT name, cursor FROM client_types");
        while (rows.Step())
        {
            _cursors.Add(rows.Text(0), rows.Integer(1));
            if (rows.Integer(1) < 0 || rows.Integer(1) > _head)
                Fault(rows.Text(0), $"its cursor {rows.Integer(1)} is not in the log, which ends at {_head}");
        }
    }

    private void CheckInterests()
    {
        using var rows = _db.Prepare("SELECT client_type, from_position, event_types FROM interests");
        while (rows.Step())
        {
            if (!_cursors.ContainsKey(rows.Text(0)))
                Fault(rows.Text(0), "it has event types, but is not known itself");
            if (rows.Integer(1) < 0 || rows.Integer(1) > _head + 1)
                Fault(rows.Text(0), $"it takes event types from position {rows.Integer(1)}, but the log ends at {_head}");
            if (rows.TextOrNull(2) is { } types && Parse<string[]>(types) is null)
                Fault(rows.Text(0), "its event types cannot be read");
        }
    }

    private void CheckDebts()
    {
        using var rows = _db.Prepare("SELECT client_type, key, first_unacked, acked_ahead, failures FROM debts");
        while (rows.Step())
        {
            var (name, key, first) = (rows.Text(0), rows.Text(1), rows.Integer(2));
            if (!_cursors.TryGetValue(name, out var cursor))
            {
                Fault(name, "it owes events, but is not known itself");
                continue;
            }

            if (first > cursor || KeyAt(first) != key)
                Fault(name, $"it owes position {first} of a key, which is not an event of that key up to its cursor {cursor}");
            CheckAckedAhead(name, first, cursor, Parse<long[][]>(rows.Text(3)));
            CheckTroubles(name, key, first, Parse<long[][]>(rows.Text(4)));
        }
    }

    private void CheckAckedAhead(string name, long first, long cursor, long[][]? ranges)
    {
        var last = first;
        foreach (var range in ranges ?? [[]])
        {
            if (range is not [var from, var to] || from <= last || to < from || to > cursor)
            {
                Fault(name, $"what it acked ahead of position {first} is in disorder");
                return;
            }

            last = to;
        }
    }

    private void CheckTroubles(string name, string key, long first, long[][]? troubles)
    {
        foreach (var trouble in troubles ?? [[]])
        {
            if (trouble is not [var position, >= 0, >= 0] || position < first || KeyAt(position) != key)
                Fault(name, $"the failures of its key owed from position {first} are in disorder");
        }
    }

    private void CheckPositions(string table, string what)
    {
        using var rows = _db.Prepare($"SELECT client_type, position FROM {table}");
        while (rows.Step())
        {
            if (!_cursors.ContainsKey(rows.Text(0)))
                Fault(rows.Text(0), $"it has a {what}, but is not known itself");
            if (KeyAt(rows.Integer(1)) is null)
                Fault(rows.Text(0), $"its {what} at position {rows.Integer(1)} is not in the log");
        }
    }

    private string? KeyAt(long position)
    {
        var key = _key.Bind(position).Step() ? _key.Text(0) : null;
        _key.Reset();
        return key;
    }

    private void Fault(string clientType, string fault) => _findings.Add($"Client type '{clientType}': {fault}.");

    private static T? Parse<T>(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
