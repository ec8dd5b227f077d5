using Bank.Contracts;
using Bank.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;

namespace Bank.Accounts;

/// <summary>One line of a statement. Money that went out has a minus.</summary>
public sealed class StatementEntry
{
    /// <summary>The place in the log: unique, and it rises with time.</summary>
    public required long Position { get; init; }

    public required long AccountId { get; init; }

    public required DateTimeOffset Timestamp { get; init; }

    public required long Cents { get; init; }

    public required string? Note { get; init; }

    public required long? TransactionId { get; init; }
}

public sealed class StatementsDb(DbContextOptions<StatementsDb> options) : ReadModelContext(options)
{
    public DbSet<StatementEntry> Entries => Set<StatementEntry>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<StatementEntry>().HasKey(entry => entry.Position);
        modelBuilder.Entity<StatementEntry>().Property(entry => entry.Position).ValueGeneratedNever();
        modelBuilder.Entity<StatementEntry>().HasIndex(entry => new { entry.AccountId, entry.Position });
    }
}

/// <summary>The statements of all accounts, as a read model: delete its file, and it is rebuilt from the log.</summary>
public sealed class Statements(IDbContextFactory<StatementsDb> databases, ILogger<Statements> log) : ReadModel<StatementsDb>(databases, log)
{
    // All events that move Account.Position, so that the wait for it ends at once; the creation itself is no line of a statement.
    public override IReadOnlyList<string> Types { get; } = [nameof(AccountCreated), nameof(ConfirmedCredit), nameof(ConfirmedDebit)];

    protected override ValueTask ApplyAsync(StatementsDb db, RecordedEvent e, CancellationToken cancellationToken)
    {
        if (EntryOf(e) is { } entry)
            db.Entries.Add(entry);
        return ValueTask.CompletedTask;
    }

    protected override Task ClearAsync(StatementsDb db, CancellationToken cancellationToken) => db.Entries.ExecuteDeleteAsync(cancellationToken);

    private static StatementEntry? EntryOf(RecordedEvent e) => e.Data switch
    {
        ConfirmedCredit c => Entry(e.Position, c.AccountID, c.Amount, c.Timestamp, c.TransactionID, c.Note),
        ConfirmedDebit d => Entry(e.Position, d.AccountID, -d.Amount, d.Timestamp, d.TransactionID, d.Note),
        _ => null,
    };

    private static StatementEntry Entry(long position, long account, Money amount, DateTimeOffset time, long? transaction, string? note) =>
        new() { Position = position, AccountId = account, Cents = amount.Cents, Timestamp = time.ToUniversalTime(), TransactionId = transaction, Note = Storable(note) };
}
