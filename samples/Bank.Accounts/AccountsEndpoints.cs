using Bank.Contracts;
using Bank.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sequent.Client;

namespace Bank.Accounts;

internal static class AccountsEndpoints
{
    public static void MapAccounts(this IEndpointRouteBuilder app)
    {
        var accounts = app.MapGroup("/accounts/{id:long}").RequireAuthorization().AddEndpointFilter(OnlyTheOwner)
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        accounts.MapGet("", BalanceAsync);
        accounts.MapGet("/statement", StatementAsync).ReadsFrom<Statements>();
        var payments = accounts.MapGroup("").TakesIdempotencyKey().WithDescription(
            "A refusal (409) stores nothing and is decided anew when it is repeated. It is final only once no other attempt with the same Idempotency-Key is on its way.")
            .ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        payments.MapPost("/deposit", DepositAsync);
        payments.MapPost("/withdrawal", WithdrawAsync);
    }

    /// <summary>404 if there is no such account (the bus knows), 403 if it is somebody else's (Users knows).</summary>
    private static async ValueTask<object?> OnlyTheOwner(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var id = context.GetArgument<long>(0);
        if (BearerTokens.AccountsOf(http.User).Contains(id))
            return await next(context);
        var bus = http.RequestServices.GetRequiredService<ISequentClient>();
        var account = await bus.ReadAsync<Account>(Keys.Account(id), http.RequestAborted);
        return account.State.Exists ? Problems.NotYours() : Problems.Unknown("account");
    }

    private static async Task<Results<Ok<AccountBalance>, ProblemHttpResult>> BalanceAsync(
        long id, HttpResponse response, ISequentClient bus, CancellationToken cancellationToken)
    {
        var account = await bus.ReadAsync<Account>(Keys.Account(id), cancellationToken);
        if (!account.State.Exists)
            return Problems.Unknown("account");
        response.TellPosition(account.State.Position);
        return TypedResults.Ok(new AccountBalance(id, account.State.Balance));
    }

    private static async Task<Results<Ok<IEnumerable<StatementLine>>, ProblemHttpResult>> StatementAsync(
        long id, ISequentClient bus, ProjectionProgress<Statements> statements, IDbContextFactory<StatementsDb> databases, CancellationToken cancellationToken)
    {
        var account = await bus.ReadAsync<Account>(Keys.Account(id), cancellationToken);
        if (!account.State.Exists)
            return Problems.Unknown("account");
        // The read model may lag; a statement that lacks the last payment would not add up to the balance.
        await statements.WaitForAsync(account.State.Position, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var entries = await db.ReadAsync(db.Entries.Where(entry => entry.AccountId == id), statements, cancellationToken);
        return TypedResults.Ok(entries.OrderBy(entry => entry.Position)
            .Select(entry => new StatementLine(entry.Timestamp, new Money(entry.Cents), entry.Note, entry.TransactionId)));
    }

    private static Task<Results<Accepted, ValidationProblem, ProblemHttpResult>> DepositAsync(
        long id, Payment payment, [AsParameters] Idempotency idempotency, ISequentClient bus, TimeProvider time, CancellationToken cancellationToken) =>
        PayAsync(payment, idempotency, bus, id, (account, amount) => account.CanTake(amount) ? null : Reasons.AccountLimit,
            amount => new ConfirmedCredit(id, amount, time.GetUtcNow(), Note: "deposit"), cancellationToken);

    private static Task<Results<Accepted, ValidationProblem, ProblemHttpResult>> WithdrawAsync(
        long id, Payment payment, [AsParameters] Idempotency idempotency, ISequentClient bus, TimeProvider time, CancellationToken cancellationToken) =>
        PayAsync(payment, idempotency, bus, id, (account, amount) => account.CanPay(amount) ? null : Reasons.InsufficientFunds,
            amount => new ConfirmedDebit(id, amount, time.GetUtcNow(), Note: "withdrawal"), cancellationToken);

    /// <summary>Reads the account, decides, and stores the entry only if the account is still as it was read. Under the id of the decision it is stored once.</summary>
    private static async Task<Results<Accepted, ValidationProblem, ProblemHttpResult>> PayAsync(
        Payment payment, Idempotency idempotency, ISequentClient bus, long id, Func<Account, Money, string?> refuse, Func<Money, object> entry, CancellationToken cancellationToken)
    {
        if (!Money.TryParsePayable(payment.Amount, out var amount))
            return Problems.Field("amount", Problems.Amount);

        try
        {
            var result = await bus.UpdateAsync(
                async (unit, ct) =>
                {
                    var account = await unit.ReadAsync<Account>(Keys.Account(id), ct);
                    if ((account.Exists ? refuse(account, amount) : Reasons.UnknownAccount) is { } reason)
                        throw new RefusedException(reason);
                    unit.Append(Keys.Account(id), entry(amount));
                },
                new UpdateOptions { DecisionId = idempotency.EventId() },
                cancellationToken);
            if (result.EarlierDecisionStood && AmountOf(result.Data[0]) != amount)
                return Problems.OtherRequest();
            idempotency.Http.Response.TellPosition(result.Receipts);
            return TypedResults.Accepted($"/accounts/{id}");
        }
        catch (RefusedException refused)
        {
            return refused.Reason == Reasons.UnknownAccount ? Problems.Unknown("account") : Problems.Refused(refused.Reason);
        }
    }

    private static Money? AmountOf(object entry) => entry switch
    {
        ConfirmedCredit credit => credit.Amount,
        ConfirmedDebit debit => debit.Amount,
        _ => null,
    };

    /// <summary>Ends the unit, which then stores nothing; thrown, not returned, so that the SDK looks whether the decision was stored by an earlier request after all.</summary>
    private sealed class RefusedException(string reason) : Exception(reason)
    {
        public string Reason { get; } = reason;
    }

    private sealed record Payment(string? Amount);

    private sealed record AccountBalance(long AccountId, Money Balance);

    private sealed record StatementLine(DateTimeOffset Timestamp, Money Amount, string? Note, long? TransactionId);
}
