using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client;
using Sequent.Testing;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/projections.md.</summary>
public sealed class ProjectionTests : GuideTest
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("sequent-docs-").FullName;

    [TearDown]
    public void DeleteFolder()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task Read_what_one_wrote()
    {
        await using var service = await StartServiceAsync();
        var (client, progress) = (Client, service.Services.GetRequiredService<ProjectionProgress<BalancesProjection>>());
        var (balances, cancellationToken) = (service.Services.GetRequiredService<BalancesDb>(), Token);

        Receipt receipt = await client.PublishAsync(new Deposited(50m), "acc-7", cancellationToken: cancellationToken);
        await progress.WaitForAsync(receipt.Position!.Value, cancellationToken);
        decimal balance = await balances.ReadAsync("acc-7", cancellationToken);

        Assert.That(balance, Is.EqualTo(50m));
    }

    [Test]
    public async Task Instances_share_a_database_and_apply_each_event_once()
    {
        await using var one = await StartServiceAsync();
        await using var other = await StartServiceAsync();
        for (var i = 0; i < 20; i++)
            await Bus.PublishAsync(new Deposited(1m), "acc-7");
        var last = (await Bus.EventsAsync("acc-7", cancellationToken: Token))[^1].Position;
        foreach (var service in new[] { one, other })
            await service.Services.GetRequiredService<ProjectionProgress<BalancesProjection>>().WaitForAsync(last, Token);
        Assert.That(await one.Services.GetRequiredService<BalancesDb>().ReadAsync("acc-7", Token), Is.EqualTo(20m));
    }

    [Test]
    public async Task On_another_log_it_starts_over()
    {
        var database = new BalancesDb(Path.Combine(_folder, "balances.db"));
        var projection = new BalancesProjection(database);
        var far = new Checkpoint("another log", 1_000);
        await projection.ApplyAsync([SequentModels.RecordedEvent(new Deposited(7m), "acc-7")], null, far, Token);
        Assert.That(await projection.LoadAsync(Token), Is.EqualTo(far));

        await Bus.PublishAsync(new Deposited(1m), "acc-7");
        await using var service = await StartServiceAsync();
        var progress = service.Services.GetRequiredService<ProjectionProgress<BalancesProjection>>();
        await UntilAsync(() => progress.IsCaughtUp && progress.Position == 1);
        Assert.That(await database.ReadAsync("acc-7", Token), Is.EqualTo(1m));
    }

    [Test]
    public async Task Look_back_and_follow_by_hand()
    {
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        var (client, yesterday, found) = (Client, DateTimeOffset.UtcNow.AddDays(-1), new List<string>());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var cancellationToken = stop.Token;

        await foreach (RecordedEvent e in client.QueryAsync(new EventQuery { Types = ["Deposited"], Since = yesterday }, cancellationToken))
            Console.WriteLine($"{e.Time:u} {e.Key}: {((Deposited)e.Data).Amount}");

        var following = FollowAsync(client, new Checkpoint((await client.ConnectAsync(Token)).LogId, 0), found, cancellationToken);
        await UntilAsync(() => found.Count == 2);
        await stop.CancelAsync();
        await Assert.ThatAsync(() => following, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(found, Is.EqualTo(new[] { "1 events up to 1", "up to date" }));
    }

    private static async Task FollowAsync(SequentClient client, Checkpoint checkpoint, List<string> found, CancellationToken cancellationToken)
    {
        await foreach (FollowItem item in client.FollowAsync(new EventQuery { After = checkpoint.Position, LogId = checkpoint.LogId }, cancellationToken))
            found.Add(item is EventPage page ? $"{page.Events.Count} events up to {page.Position}" : "up to date");
    }

    private Task<SequentTestService> StartServiceAsync() => Bus.StartServiceAsync(
        "accounts",
        s =>
        {
            s.Services.AddSingleton(new BalancesDb(Path.Combine(_folder, "balances.db")));
            s.AddProjection<BalancesProjection>().AddEvent<Deposited>().AddEvent<Withdrawn>();
        });
}

/// <summary>A file with one table for the projection and one for its checkpoint.</summary>
public sealed class BalancesDb
{
    private readonly string _connectionString;

    public BalancesDb(string file)
    {
        _connectionString = new SqliteConnectionStringBuilder { DataSource = file }.ToString();
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = """
            CREATE TABLE IF NOT EXISTS balance(key TEXT PRIMARY KEY, cents INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS checkpoint(one INTEGER PRIMARY KEY CHECK (one = 1), log_id TEXT, position INTEGER);
            INSERT OR IGNORE INTO checkpoint(one) VALUES (1);
            """;
        command.ExecuteNonQuery();
    }

    public async Task<SqliteConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    public async Task<decimal> ReadAsync(string key, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = new SqliteCommand("SELECT cents FROM balance WHERE key = $key", connection);
        command.Parameters.AddWithValue("$key", key);
        return await command.ExecuteScalarAsync(cancellationToken) is long cents ? cents / 100m : 0m;
    }
}

public sealed class BalancesProjection(BalancesDb database) : IProjection
{
    public IReadOnlyList<string> Types => ["Deposited", "Withdrawn"];

    public async ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = new SqliteCommand("SELECT log_id, position FROM checkpoint WHERE log_id IS NOT NULL", connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? new Checkpoint(row.GetString(0), row.GetInt64(1)) : null;
    }

    public async ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var transaction = connection.BeginTransaction();

        // The checkpoint first: if another instance has moved it, nothing is applied.
        await using var move = new SqliteCommand("UPDATE checkpoint SET log_id = $toLog, position = $to WHERE log_id IS $fromLog AND position IS $from", connection, transaction);
        move.Parameters.AddWithValue("$toLog", to.LogId);
        move.Parameters.AddWithValue("$to", to.Position);
        move.Parameters.AddWithValue("$fromLog", (object?)from?.LogId ?? DBNull.Value);
        move.Parameters.AddWithValue("$from", (object?)from?.Position ?? DBNull.Value);
        if (await move.ExecuteNonQueryAsync(cancellationToken) == 0)
            return false;

        foreach (var e in events)
        {
            var amount = e.Data switch { Deposited d => d.Amount, Withdrawn w => -w.Amount, _ => 0m };
            await using var add = new SqliteCommand("INSERT INTO balance VALUES ($key, $cents) ON CONFLICT (key) DO UPDATE SET cents = cents + $cents", connection, transaction);
            add.Parameters.AddWithValue("$key", e.Key);
            add.Parameters.AddWithValue("$cents", (long)(amount * 100));
            await add.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async ValueTask ResetAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var forget = new SqliteCommand("BEGIN IMMEDIATE; DELETE FROM balance; UPDATE checkpoint SET log_id = NULL, position = NULL; COMMIT", connection);
        await forget.ExecuteNonQueryAsync(cancellationToken);
    }
}
