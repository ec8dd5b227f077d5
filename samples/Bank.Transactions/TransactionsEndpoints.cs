using System.Security.Claims;
using Bank.Contracts;
using Bank.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;
using Sequent.Protocol;

namespace Bank.Transactions;

internal static class TransactionsEndpoints
{
    /// <summary>2^53 - 1: what every JSON parser keeps exactly.</summary>
    private const long MaxId = (1L << 53) - 1;

    private const int ListLimit = 100;

    public static void MapTransactions(this IEndpointRouteBuilder app)
    {
        var transactions = app.MapGroup("/transactions").RequireAuthorization()
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        transactions.MapPost("", StartAsync).ProducesProblem(StatusCodes.Status403Forbidden);
        transactions.MapGet("", ListAsync);
        transactions.MapGet("/{id:long}", StatusAsync).ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Accepted<TransactionStatus>, ValidationProblem, ProblemHttpResult>> StartAsync(
        NewTransfer body, ClaimsPrincipal user, ISequentClient bus, CancellationToken cancellationToken)
    {
        if (body.FromAccountId is not { } from)
            return Problems.Field("from_account_id", "Missing.");
        if (body.ToAccountId is not { } to || to == from)
            return Problems.Field("to_account_id", body.ToAccountId is null ? "Missing." : "The same account.");
        if (to is < 1 or > MaxId)
            return Problems.Field("to_account_id", "An account id is an integer from 1 to 9007199254740991.");
        if (!Money.TryParsePayable(body.Amount, out var amount))
            return Problems.Field("amount", Problems.Amount);
        if (!BearerTokens.AccountsOf(user).Contains(from))
            return Problems.NotYours();

        var id = await PublishAsync(newId => new PendingTransaction(newId, from, to, amount), bus, cancellationToken);
        return TypedResults.Accepted($"/transactions/{id}", new TransactionStatus(id, "PENDING", null));
    }

    /// <summary>Ids are random and 53 bits long, so that every JSON parser keeps them; value 0 of its key tells if one is taken.</summary>
    private static async Task<long> PublishAsync(Func<long, PendingTransaction> create, ISequentClient bus, CancellationToken cancellationToken)
    {
        while (true)
        {
            var id = Random.Shared.NextInt64(1, MaxId + 1);
            var sequence = Sequence.At(Keys.Transaction(id), 0);
            var receipt = await bus.TryPublishAsync(create(id), sequence, cancellationToken: cancellationToken);
            if (receipt.IsSuccess)
                return id;
            if (receipt.Status != ReceiptStatus.Inconsistent)
                throw new PublishRejectedException(receipt.Reason ?? "unknown", sequence.Key);
        }
    }

    private static async Task<Results<Ok<TransactionStatus>, ProblemHttpResult>> StatusAsync(
        long id, ClaimsPrincipal user, ISequentClient bus, CancellationToken cancellationToken)
    {
        var transfer = await bus.ReadAsync<Transfer>(Keys.Transaction(id), cancellationToken);
        if (transfer.State.Request is not { } request)
            return Problems.Unknown("transaction");
        if (!BearerTokens.AccountsOf(user).Any(account => account == request.FromAccountID || account == request.ToAccountID))
            return Problems.NotYours();
        return TypedResults.Ok(new TransactionStatus(id, NameOf(transfer.State.Status), transfer.State.Reason));
    }

    /// <summary>The last transfers from and to the caller's accounts, newest first. It may lag behind the log.</summary>
    private static async Task<Ok<List<TransferLine>>> ListAsync(ClaimsPrincipal user, IDbContextFactory<TransfersDb> databases, CancellationToken cancellationToken)
    {
        var mine = BearerTokens.AccountsOf(user).ToList();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Transfers.AsNoTracking().Where(row => mine.Contains(row.FromAccountId) || mine.Contains(row.ToAccountId))
            .OrderByDescending(row => row.Position).Take(ListLimit).ToListAsync(cancellationToken);
        return TypedResults.Ok(rows.ConvertAll(row =>
            new TransferLine(row.TransactionId, row.FromAccountId, row.ToAccountId, new Money(row.Cents), NameOf(row.Status), row.Reason)));
    }

    private static string NameOf(TransferStatus status) => status switch
    {
        TransferStatus.Accepted => "ACCEPTED",
        TransferStatus.Rejected => "REJECTED",
        _ => "PENDING",
    };

    private sealed record NewTransfer(long? FromAccountId, long? ToAccountId, string? Amount);

    private sealed record TransactionStatus(long TransactionId, string Status, string? Reason);

    private sealed record TransferLine(long TransactionId, long FromAccountId, long ToAccountId, Money Amount, string Status, string? Reason);
}
