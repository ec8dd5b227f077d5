using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Sequent.Client;

namespace Bank.ServiceDefaults;

/// <summary>A database that can be rebuilt from the log, with the place in the log it has come to.</summary>
public abstract class ReadModelContext(DbContextOptions options) : DbContext(options)
{
    public DbSet<StoredCheckpoint> Checkpoint => Set<StoredCheckpoint>();

    /// <summary>
    /// Rows of a read model that is whole: at least as far as this process has seen it. Another instance on the same database may be
    /// rebuilding it, so rows and checkpoint are read in one statement, which sees both at the same moment.
    /// The rows come in no order.
    /// </summary>
    /// <exception cref="ReadModelNotReadyException">It is not whole at the moment.</exception>
    public async Task<IReadOnlyList<TRow>> ReadAsync<TRow>(IQueryable<TRow> rows, ProjectionProgress progress, CancellationToken cancellationToken)
        where TRow : class
    {
        // In this order: a projection that starts over is not caught up before it goes back to 0.
        var seen = progress.Position;
        if (!progress.IsCaughtUp)
            throw new ReadModelNotReadyException();
        var read = await Checkpoint.AsNoTracking().Where(checkpoint => checkpoint.Position >= seen)
            .LeftJoin(rows.AsNoTracking(), checkpoint => 1, row => 1, (checkpoint, row) => row).ToListAsync(cancellationToken);
        // Without a checkpoint nothing was applied yet; that is whole if there was nothing to apply.
        if (read.Count == 0 && seen > 0)
            throw new ReadModelNotReadyException();
        return [.. read.OfType<TRow>()];
    }
}

/// <summary>The read model is being built or rebuilt.</summary>
public sealed class ReadModelNotReadyException() : Exception("The service still reads the log.");

/// <summary>The one row that says how far the read model is.</summary>
public sealed class StoredCheckpoint
{
    public int Id { get; init; }

    public required string LogId { get; init; }

    public long Position { get; init; }
}

/// <summary>
/// A projection into a database: the rows and the checkpoint change in one transaction, so nothing is counted twice or left out.
/// The checkpoint moves by compare-and-set; if another instance on the same database was first, nothing is written.
/// </summary>
public abstract class ReadModel<TContext>(IDbContextFactory<TContext> databases, ILogger log) : IProjection
    where TContext : ReadModelContext
{
    public abstract IReadOnlyList<string> Types { get; }

    public async ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Checkpoint.Select(c => new Checkpoint(c.LogId, c.Position)).SingleOrDefaultAsync(cancellationToken);
    }

    public async ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        try
        {
            if (!await MoveAsync(db, from, to, cancellationToken))
                return false;
        }
        catch (DbUpdateException) when (from is null)
        {
            // Another instance has begun at this very moment, or its row would not be in the way.
            return false;
        }

        foreach (var e in events)
            await ApplyIfReadableAsync(db, e, cancellationToken);

        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async ValueTask ResetAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);

        // Whoever deletes the checkpoint starts over; another instance may have done so already, and even have begun anew.
        if (await db.Checkpoint.ExecuteDeleteAsync(cancellationToken) == 0)
            return;
        await ClearAsync(db, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Changes the rows one event is about; they are saved with all others of its page.</summary>
    protected abstract ValueTask ApplyAsync(TContext db, RecordedEvent e, CancellationToken cancellationToken);

    /// <summary>A text that any database can keep: PostgreSQL has no NUL.</summary>
    protected static string? Storable(string? text) => text?.Replace("\0", "", StringComparison.Ordinal);

    /// <summary>Deletes all rows.</summary>
    protected abstract Task ClearAsync(TContext db, CancellationToken cancellationToken);

    /// <summary>Anybody may publish anything under a name of ours; one such event must not stop everybody's statements.</summary>
    private async ValueTask ApplyIfReadableAsync(TContext db, RecordedEvent e, CancellationToken cancellationToken)
    {
        try
        {
            await ApplyAsync(db, e, cancellationToken);
        }
        catch (Exception fault) when (fault is JsonException or OverflowException or FormatException)
        {
            log.PassedOver(e.EventType, e.Position, fault.GetType().Name);
        }
    }

    private static async Task<bool> MoveAsync(TContext db, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
    {
        if (from is not null)
        {
            return await db.Checkpoint.Where(c => c.LogId == from.LogId && c.Position == from.Position)
                .ExecuteUpdateAsync(set => set.SetProperty(c => c.Position, to.Position), cancellationToken) == 1;
        }

        if (await db.Checkpoint.AnyAsync(cancellationToken))
            return false;
        db.Checkpoint.Add(new StoredCheckpoint { Id = 1, LogId = to.LogId, Position = to.Position });
        await db.SaveChangesAsync(cancellationToken);
        return true;
    }
}

internal static partial class ReadModelLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The {EventType} at {Position} cannot be read ({Fault}); it is passed over.")]
    public static partial void PassedOver(this ILogger log, string eventType, long position, string fault);
}
