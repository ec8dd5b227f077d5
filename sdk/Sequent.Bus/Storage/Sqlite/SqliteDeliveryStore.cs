using System.Text.Json;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Delivery state in the same file as the log.</summary>
internal sealed class SqliteDeliveryStore(SqliteFile file) : IDeliveryStore
{
    public ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken) => file.WriteAsync(Load, cancellationToken);

    public async ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken) =>
        await file.WriteAsync(
            db => InTransaction(db, () =>
            {
                foreach (var change in changes)
                    Save(db, change);
            }),
            cancellationToken);

    public async ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken) =>
        await file.WriteAsync(
            db => InTransaction(db, () =>
            {
                foreach (var table in (string[])["interests", "debts", "redriven", "dead_letters"])
                    Run(db, $"DELETE FROM {table} WHERE client_type=?", s => s.Bind(clientType));
                Run(db, "DELETE FROM client_types WHERE name=?", s => s.Bind(clientType));
            }),
            cancellationToken);

    public async ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken) =>
        await file.WriteAsync(
            db => Rows(
                db,
                "SELECT position, reason, attempts, time FROM dead_letters WHERE client_type=? AND position > ? ORDER BY position LIMIT ?",
                r => new DeadLetter(clientType, r.Integer(0), r.Text(1), (int)r.Integer(2), r.Integer(3)),
                s => s.Bind(clientType).Bind(after).Bind(max)),
            cancellationToken);

    public ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken) =>
        file.WriteAsync(db => Rows(db, "SELECT count(*) FROM dead_letters WHERE client_type=?", r => r.Integer(0), s => s.Bind(clientType))[0], cancellationToken);

    private static IReadOnlyList<ClientTypeRecord> Load(SqliteConnection db)
    {
        var interests = Rows(db, "SELECT client_type, from_position, event_types FROM interests ORDER BY from_position", r =>
            (ClientType: r.Text(0), Change: new InterestChange(r.Integer(1), r.TextOrNull(2) is { } types ? JsonSerializer.Deserialize<string[]>(types) : null)))
            .ToLookup(r => r.ClientType, r => r.Change, StringComparer.Ordinal);
        var debts = Rows(db, "SELECT client_type, key, first_unacked, acked_ahead, failures FROM debts", r =>
            (ClientType: r.Text(0), Debt: new KeyDebtRecord(
                r.Text(1),
                r.Integer(2),
                [.. JsonSerializer.Deserialize<long[][]>(r.Text(3))!.Select(range => new PositionRange(range[0], range[1]))],
                [.. JsonSerializer.Deserialize<long[][]>(r.Text(4))!.Select(t => new Trouble(t[0], (int)t[1], (int)t.ElementAtOrDefault(2)))])))
            .ToLookup(r => r.ClientType, r => r.Debt, StringComparer.Ordinal);
        var redriven = Rows(db, "SELECT client_type, position, failures, losses FROM redriven", r =>
            (ClientType: r.Text(0), Trouble: new Trouble(r.Integer(1), (int)r.Integer(2), (int)r.Integer(3))))
            .ToLookup(r => r.ClientType, r => r.Trouble, StringComparer.Ordinal);
        return Rows(db, "SELECT name, cursor FROM client_types", r =>
            new ClientTypeRecord(r.Text(0), r.Integer(1), [.. interests[r.Text(0)]], [.. debts[r.Text(0)]]) { Redriven = [.. redriven[r.Text(0)]] });
    }

    private static void Save(SqliteConnection db, ClientTypeChanges changes)
    {
        Run(db, "INSERT INTO client_types(name, cursor) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET cursor=excluded.cursor", s => s.Bind(changes.Name).Bind(changes.Cursor));
        if (changes.StartsOver)
            Run(db, "DELETE FROM debts WHERE client_type=?", s => s.Bind(changes.Name));
        if (changes.Interest is { } interest)
            SaveInterest(db, changes.Name, interest);
        SaveDebts(db, changes);
        SaveDeadLetters(db, changes);
    }

    private static void SaveInterest(SqliteConnection db, string name, IReadOnlyList<InterestChange> interest)
    {
        Run(db, "DELETE FROM interests WHERE client_type=?", s => s.Bind(name));
        using var insert = db.Prepare("INSERT INTO interests(client_type, from_position, event_types) VALUES(?,?,?)");
        foreach (var change in interest)
            insert.Bind(name).Bind(change.From).Bind(change.EventTypes is null ? null : JsonSerializer.Serialize(change.EventTypes)).Run();
    }

    private static void SaveDebts(SqliteConnection db, ClientTypeChanges changes)
    {
        using var delete = db.Prepare("DELETE FROM debts WHERE client_type=? AND key=?");
        foreach (var key in changes.SettledKeys)
            delete.Bind(changes.Name).Bind(key).Run();
        using var upsert = db.Prepare("INSERT OR REPLACE INTO debts(client_type, key, first_unacked, acked_ahead, failures) VALUES(?,?,?,?,?)");
        foreach (var debt in changes.Debts)
        {
            upsert.Bind(changes.Name).Bind(debt.Key).Bind(debt.FirstUnacked)
                .Bind(JsonSerializer.Serialize(debt.AckedAhead.Select(r => (long[])[r.First, r.Last])))
                .Bind(JsonSerializer.Serialize(debt.Troubles.Select(t => (long[])[t.Position, t.Failures, t.Losses])))
                .Run();
        }
    }

    private static void SaveDeadLetters(SqliteConnection db, ClientTypeChanges changes)
    {
        if (changes.Redriven is not null || changes.StartsOver)
            Run(db, "DELETE FROM redriven WHERE client_type=?", s => s.Bind(changes.Name));
        foreach (var trouble in changes.Redriven ?? [])
            Run(db, "INSERT INTO redriven(client_type, position, failures, losses) VALUES(?,?,?,?)", s => s.Bind(changes.Name).Bind(trouble.Position).Bind(trouble.Failures).Bind(trouble.Losses));
        foreach (var position in changes.RemovedDeadLetters)
            Run(db, "DELETE FROM dead_letters WHERE client_type=? AND position=?", s => s.Bind(changes.Name).Bind(position));
        using var insert = db.Prepare("INSERT OR REPLACE INTO dead_letters(client_type, position, reason, attempts, time) VALUES(?,?,?,?,?)");
        foreach (var letter in changes.DeadLetters)
            insert.Bind(letter.ClientType).Bind(letter.Position).Bind(letter.Reason).Bind(letter.Attempts).Bind(letter.TimeMicros).Run();
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
        catch
        {
            // Whatever it was: the one connection that writes must not keep a transaction open.
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

    private static List<T> Rows<T>(SqliteConnection db, string sql, Func<SqliteStatement, T> read, Action<SqliteStatement>? bind = null)
    {
        using var statement = db.Prepare(sql);
        bind?.Invoke(statement);
        var rows = new List<T>();
        while (statement.Step())
            rows.Add(read(statement));
        return rows;
    }
}
