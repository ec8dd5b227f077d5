using Bank.Contracts;
using Bank.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;

namespace Bank.Transactions;

/// <summary>One transfer of the list.</summary>
public sealed class TransferRow
{
    public required long TransactionId { get; init; }

    /// <summary>Where it entered the log; the list is ordered by it.</summary>
    public required long Position { get; init; }

    public required long FromAccountId { get; init; }

    public required long ToAccountId { get; init; }

    public required long Cents { get; init; }

    public TransferStatus Status { get; set; }

    public string? Reason { get; set; }
}

public sealed class TransfersDb(DbContextOptions<TransfersDb> options) : ReadModelContext(options)
{
    public DbSet<TransferRow> Transfers => Set<TransferRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        var transfer = modelBuilder.Entity<TransferRow>();
        transfer.HasKey(row => row.TransactionId);
        transfer.Property(row => row.TransactionId).ValueGeneratedNever();
        transfer.Property(row => row.Status).HasConversion<string>();
        transfer.HasIndex(row => new { row.FromAccountId, row.Position });
        transfer.HasIndex(row => new { row.ToAccountId, row.Position });
    }
}

/// <summary>All transfers, as a read model: delete its file, and it is rebuilt from the log.</summary>
public sealed class Transfers(IDbContextFactory<TransfersDb> databases, ILogger<Transfers> log) : ReadModel<TransfersDb>(databases, log)
{
    public override IReadOnlyList<string> Types { get; } = [nameof(PendingTransaction), nameof(AcceptedTransaction), nameof(RejectedTransaction)];

    protected override async ValueTask ApplyAsync(TransfersDb db, RecordedEvent e, CancellationToken cancellationToken)
    {
        switch (e.Data)
        {
            case PendingTransaction p when await db.Transfers.FindAsync([p.TransactionID], cancellationToken) is null:
                db.Transfers.Add(new TransferRow
                {
                    TransactionId = p.TransactionID,
                    Position = e.Position,
                    FromAccountId = p.FromAccountID,
                    ToAccountId = p.ToAccountID,
                    Cents = p.Amount.Cents,
                });
                break;
            case AcceptedTransaction accepted:
                await EndAsync(accepted.TransactionID, TransferStatus.Accepted, null);
                break;
            case RejectedTransaction rejected:
                await EndAsync(rejected.TransactionID, TransferStatus.Rejected, Storable(rejected.Reason));
                break;
        }

        async Task EndAsync(long id, TransferStatus status, string? reason)
        {
            if (await db.Transfers.FindAsync([id], cancellationToken) is { Status: TransferStatus.Pending } transfer)
                (transfer.Status, transfer.Reason) = (status, reason);
        }
    }

    protected override Task ClearAsync(TransfersDb db, CancellationToken cancellationToken) => db.Transfers.ExecuteDeleteAsync(cancellationToken);
}
