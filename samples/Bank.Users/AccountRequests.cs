using Bank.Contracts;
using Bank.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;

namespace Bank.Users;

/// <summary>
/// Asks for accounts: first the row, then the event. A crash between the two, or a bus that does not answer, leaves a row
/// that is not marked as published, and <see cref="AccountRequestRepeater"/> publishes it again under the same event id.
/// </summary>
internal sealed class AccountRequests(IDbContextFactory<UsersDb> databases, ISequentClient bus, TimeProvider time, ILogger<AccountRequests> log)
{
    /// <summary>Asks for an account; under the same id, for the same one.</summary>
    public async Task<Receipt> OpenAsync(Guid id, string username, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await PublishAsync(await FindAsync(db, id, cancellationToken) ?? await AddAsync(db, id, username, cancellationToken), cancellationToken);
    }

    private async Task<AccountRequest> AddAsync(UsersDb db, Guid id, string username, CancellationToken cancellationToken)
    {
        var request = new AccountRequest { RequestId = id, Username = username, RequestedAt = time.GetUtcNow().UtcDateTime };
        db.AccountRequests.Add(request);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return request;
        }
        catch (DbUpdateException)
        {
            // Another instance may have got the same request just now.
            if (await FindAsync(db, id, cancellationToken) is { } other)
                return other;
            throw;
        }
    }

    private static Task<AccountRequest?> FindAsync(UsersDb db, Guid id, CancellationToken cancellationToken) =>
        db.AccountRequests.AsNoTracking().SingleOrDefaultAsync(row => row.RequestId == id, cancellationToken);

    public async Task PublishOpenAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var open = await db.AccountRequests.AsNoTracking().Where(request => !request.Published).OrderBy(request => request.RequestId).ToListAsync(cancellationToken);
        foreach (var request in open)
        {
            try
            {
                await PublishAsync(request, cancellationToken);
            }
            catch (SequentException e) when (e is SequenceConflictException or PublishRejectedException or RequestFailedException)
            {
                // This one is refused for good; the others are not to wait for it.
                log.RequestRefused(request.RequestId, e);
            }
        }
    }

    private async Task<Receipt> PublishAsync(AccountRequest request, CancellationToken cancellationToken)
    {
        var id = request.RequestId.ToString();
        var data = new AccountCreationRequest(id, new DateTimeOffset(DateTime.SpecifyKind(request.RequestedAt, DateTimeKind.Utc)));
        // Stored already under this id? Then the bus says "duplicate", which is a success.
        var receipt = await bus.PublishAsync(data, Sequence.At(Keys.Request(id), 0), new PublishOptions { EventId = request.RequestId }, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.AccountRequests.Where(row => row.RequestId == request.RequestId)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.Published, true), cancellationToken);
        return receipt;
    }
}

/// <summary>Publishes what was not confirmed, at start and every ten seconds.</summary>
internal sealed class AccountRequestRepeater(AccountRequests requests, TimeProvider time, ILogger<AccountRequestRepeater> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await requests.PublishOpenAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.PublishingFailed(e); // the next round tries again
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}

/// <summary>Notes which account came of a request. Doing it twice changes nothing, so at least once is enough.</summary>
internal sealed class AccountCreatedHandler(UsersDb db, TimeProvider time) : IEventHandler<AccountCreated>
{
    public async Task HandleAsync(EventContext<AccountCreated> context, CancellationToken cancellationToken)
    {
        // Somebody else may have asked under an id that is not one of ours.
        if (!Guid.TryParse(context.Data.RequestID, out var id))
            return;
        await BankState.WhenItIsThereAsync(
            () => db.AccountRequests.Where(request => request.RequestId == id && request.AccountId == null).ExecuteUpdateAsync(
                set => set.SetProperty(request => request.AccountId, context.Data.AccountID).SetProperty(request => request.Published, true), cancellationToken),
            time,
            cancellationToken);
    }
}

internal static partial class UsersLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The bus refuses the request {RequestId} for an account.")]
    public static partial void RequestRefused(this ILogger<AccountRequests> log, Guid requestId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Requests for accounts could not be published; the next round tries again.")]
    public static partial void PublishingFailed(this ILogger<AccountRequestRepeater> log, Exception exception);
}
