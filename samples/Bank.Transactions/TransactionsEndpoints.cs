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

    /// <summary>Ids have 53 bits: that even one is taken is rare.</summary>
    private const int MaxAttempts = 10;

    public static void MapTransactions(this IEndpointRouteBuilder app)
    {
        var transactions = app.MapGroup("/transactions").RequireAuthorization()
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        transactions.MapPost("", StartAsync).TakesIdempotencyKey()
            .ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        transactions.MapGet("", ListAsync).ReadsFrom<Transfers>();
        transactions.MapGet("/{id:long}", StatusAsync).ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Accepted<TransactionStatus>, ValidationProblem, ProblemHttpResult>> StartAsync(
        NewTransfer body, ClaimsPrincipal user, [AsParameters] Idempotency idempotency, ISequentClient bus, CancellationToken cancellationToken)
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

        var (receipt, pending) = await PublishAsync(id => new PendingTransaction(id, from, to, amount), idempotency, bus, cancellationToken);
        if (receipt.Status == ReceiptStatus.Duplicate && (await bus.ReadAsync<Transfer>(receipt.Key, cancellationToken)).State.Request != pending)
            return Problems.OtherRequest();
        idempotency.Http.Response.TellPosition([receipt]);
        return TypedResults.Accepted($"/transactions/{pending.TransactionID}", new TransactionStatus(pending.TransactionID, "PENDING", null));
    }

    /// <summary>Value 0 of its key tells whether an id is taken by somebody else's transfer: then the next one is tried, in the same order at every repetition.</summary>
    private static async Task<(Receipt Receipt, PendingTransaction Pending)> PublishAsync(
        Func<long, PendingTransaction> create, Idempotency idempotency, ISequentClient bus, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var pending = create(idempotency.Number(attempt));
            var sequence = Sequence.At(Keys.Transaction(pending.TransactionID), 0);
            var receipt = await bus.TryPublishAsync(pending, sequence, new PublishOptions { EventId = idempotency.EventId(attempt) }, cancellationToken);
            if (receipt.IsSuccess)
                return (receipt, pending);
            if (receipt.Status != ReceiptStatus.Inconsistent || attempt == MaxAttempts)
                throw new PublishRejectedException(receipt.Reason ?? "every id is taken", sequence.Key);
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
    private static async Task<Ok<IEnumerable<TransferLine>>> ListAsync(
        ClaimsPrincipal user, ProjectionProgress<Transfers> transfers, IDbContextFactory<TransfersDb> databases, CancellationToken cancellationToken)
    {
        var mine = BearerTokens.AccountsOf(user).ToList();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var last = db.Transfers.Where(row => mine.Contains(row.FromAccountId) || mine.Contains(row.ToAccountId))
            .OrderByDescending(row => row.Position).Take(ListLimit);
        var rows = await db.ReadAsync(last, transfers, cancellationToken);
        return TypedResults.Ok(rows.OrderByDescending(row => row.Position)
            .Select(row => new TransferLine(row.TransactionId, row.FromAccountId, row.ToAccountId, new Money(row.Cents), NameOf(row.Status), row.Reason)));
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
