using System.Text.Json;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Delivery state in the same file as the log.</summary>
internal sealed class SqliteDeliveryStore(SqliteFile file) : IDeliveryStore
{
    public ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken) => file.WriteAsync(Load, cancellationToken);

    public async ValueTask SaveAsync(ClientTypeChanges changes, CancellationToken cancellationToken) =>
        await file.WriteAsync(db => InTransaction(db, () => Save(db, changes)), cancellationToken);

    public async ValueTask AddDeadLetterAsync(DeadLetter deadLetter, CancellationToken cancellationToken) =>
        await file.WriteAsync(db => InTransaction(db, () => Run(
            db,
            "INSERT OR REPLACE INTO dead_letters(client_type, position, reason, attempts, time) VALUES(?,?,?,?,?)",
            s => s.Bind(deadLetter.ClientType).Bind(deadLetter.Position).Bind(deadLetter.Reason).Bind(deadLetter.Attempts).Bind(deadLetter.TimeMicros))), cancellationToken);

    private static IReadOnlyList<ClientTypeRecord> Load(SqliteConnection db)
    {
        var interests = Rows(db, "SELECT client_type, from_position, event_types FROM interests ORDER BY from_position", r =>
            (ClientType: r.Text(0), Change: new InterestChange(r.Integer(1), r.TextOrNull(2) is { } types ? JsonSerializer.Deserialize<string[]>(types) : null)))
            .ToLookup(r => r.ClientType, r => r.Change, StringComparer.Ordinal);
        var debts = Rows(db, "SELECT client_type, key, first_unacked, acked_ahead, failures FROM debts", r =>
            (ClientType: r.Text(0), Debt: new KeyDebtRecord(
                r.Text(1),
                r.Integer(2),
                [.. JsonSerializer.Deserialize<long[][]>(r.Text(3))!.Select(pair => new PositionRange(pair[0], pair[1]))],
                [.. JsonSerializer.Deserialize<long[][]>(r.Text(4))!.Select(pair => KeyValuePair.Create(pair[0], (int)pair[1]))])))
            .ToLookup(r => r.ClientType, r => r.Debt, StringComparer.Ordinal);
        return Rows(db, "SELECT name, cursor FROM client_types", r => new ClientTypeRecord(
            r.Text(0),
            r.Integer(1),
            [.. interests[r.Text(0)]],
            [.. debts[r.Text(0)]]));
    }

    private static void Save(SqliteConnection db, ClientTypeChanges changes)
    {
        Run(db, "INSERT INTO client_types(name, cursor) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET cursor=excluded.cursor", s => s.Bind(changes.Name).Bind(changes.Cursor));
        if (changes.Interest is { } interest)
        {
            Run(db, "DELETE FROM interests WHERE client_type=?", s => s.Bind(changes.Name));
            foreach (var change in interest)
            {
                Run(db, "INSERT INTO interests(client_type, from_position, event_types) VALUES(?,?,?)", s => s
                    .Bind(changes.Name).Bind(change.From).Bind(change.EventTypes is null ? null : JsonSerializer.Serialize(change.EventTypes)));
            }
        }

        using var delete = db.Prepare("DELETE FROM debts WHERE client_type=? AND key=?");
        foreach (var key in changes.SettledKeys)
            delete.Bind(changes.Name).Bind(key).Run();
        using var upsert = db.Prepare("INSERT OR REPLACE INTO debts(client_type, key, first_unacked, acked_ahead, failures) VALUES(?,?,?,?,?)");
        foreach (var debt in changes.Debts)
        {
            upsert.Bind(changes.Name).Bind(debt.Key).Bind(debt.FirstUnacked)
                .Bind(JsonSerializer.Serialize(debt.AckedAhead.Select(r => (long[])[r.First, r.Last])))
                .Bind(JsonSerializer.Serialize(debt.Failures.Select(f => (long[])[f.Key, f.Value])))
                .Run();
        }
    }

    private static bool InTransaction(SqliteConnection db, Action work)
    {
        try
        {
            db.Execute("BEGIN IMMEDIATE");
            work();
            db.Execute("COMMIT");
            return true;
        }
        catch (StoreException)
        {
            db.TryRollback();
            throw;
        }
    }

    private static void Run(SqliteConnection db, string sql, Action<SqliteStatement> bind)
    {
        using var statement = db.Prepare(sql);
        bind(statement);
        statement.Run();
    }

    private static List<T> Rows<T>(SqliteConnection db, string sql, Func<SqliteStatement, T> read)
    {
        using var statement = db.Prepare(sql);
        var rows = new List<T>();
        while (statement.Step())
            rows.Add(read(statement));
        return rows;
    }
}
