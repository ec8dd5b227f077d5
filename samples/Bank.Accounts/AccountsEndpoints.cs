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
        accounts.MapGet("/statement", StatementAsync);
        accounts.MapPost("/deposit", DepositAsync).ProducesProblem(StatusCodes.Status409Conflict);
        accounts.MapPost("/withdrawal", WithdrawAsync).ProducesProblem(StatusCodes.Status409Conflict);
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

    private static async Task<Results<Ok<AccountBalance>, ProblemHttpResult>> BalanceAsync(long id, ISequentClient bus, CancellationToken cancellationToken)
    {
        var account = await bus.ReadAsync<Account>(Keys.Account(id), cancellationToken);
        return account.State.Exists ? TypedResults.Ok(new AccountBalance(id, account.State.Balance)) : Problems.Unknown("account");
    }

    private static async Task<Results<Ok<List<StatementLine>>, ProblemHttpResult>> StatementAsync(
        long id, ISequentClient bus, ProjectionProgress<Statements> statements, IDbContextFactory<StatementsDb> databases, CancellationToken cancellationToken)
    {
        var account = await bus.ReadAsync<Account>(Keys.Account(id), cancellationToken);
        if (!account.State.Exists)
            return Problems.Unknown("account");
        // The read model may lag; a statement that lacks the last payment would not add up to the balance.
        await statements.WaitForAsync(account.State.Position, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return TypedResults.Ok(await db.Entries.Where(entry => entry.AccountId == id).OrderBy(entry => entry.Position)
            .Select(entry => new StatementLine(entry.Timestamp, new Money(entry.Cents), entry.Note, entry.TransactionId))
            .ToListAsync(cancellationToken));
    }

    private static Task<IResult> DepositAsync(long id, Payment payment, ISequentClient bus, TimeProvider time, CancellationToken cancellationToken) =>
        PayAsync(id, payment, bus, (account, amount) => account.CanTake(amount) ? null : Reasons.AccountLimit,
            amount => new ConfirmedCredit(id, amount, time.GetUtcNow(), Note: "deposit"), cancellationToken);

    private static Task<IResult> WithdrawAsync(long id, Payment payment, ISequentClient bus, TimeProvider time, CancellationToken cancellationToken) =>
        PayAsync(id, payment, bus, (account, amount) => account.CanPay(amount) ? null : Reasons.InsufficientFunds,
            amount => new ConfirmedDebit(id, amount, time.GetUtcNow(), Note: "withdrawal"), cancellationToken);

    /// <summary>Reads the account, decides, and stores the entry only if the account is still as it was read.</summary>
    private static async Task<IResult> PayAsync(
        long id, Payment payment, ISequentClient bus, Func<Account, Money, string?> refuse, Func<Money, object> entry, CancellationToken cancellationToken)
    {
        if (!Money.TryParsePayable(payment.Amount, out var amount))
            return Problems.Field("amount", Problems.Amount);

        string? reason = null;
        await bus.UpdateAsync(async (unit, ct) =>
        {
            var account = await unit.ReadAsync<Account>(Keys.Account(id), ct);
            reason = account.Exists ? refuse(account, amount) : Reasons.UnknownAccount;
            if (reason is null)
                unit.Append(Keys.Account(id), entry(amount));
        }, cancellationToken: cancellationToken);

        return reason switch
        {
            null => TypedResults.Accepted($"/accounts/{id}"),
            Reasons.UnknownAccount => Problems.Unknown("account"),
            _ => Problems.Refused(reason),
        };
    }

    private sealed record Payment(string? Amount);

    private sealed record AccountBalance(long AccountId, Money Balance);

    private sealed record StatementLine(DateTimeOffset Timestamp, Money Amount, string? Note, long? TransactionId);
}
