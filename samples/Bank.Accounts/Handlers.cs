using Bank.Contracts;
using Sequent.Client;

namespace Bank.Accounts;

/// <summary>Creates the account that was asked for. Its id is the position of the request: unique and the same at every attempt.</summary>
public sealed class AccountCreationHandler : IEventHandler<AccountCreationRequest>
{
    public async Task HandleAsync(EventContext<AccountCreationRequest> context, CancellationToken cancellationToken)
    {
        var key = Keys.Account(context.Position);
        var account = await context.ReadAsync<Account>(key, cancellationToken);
        // A request repeated under its own key (value 1, 2, …) is still the same wish.
        if (!account.Exists && context.Value == 0)
            context.Append(key, new AccountCreated(context.Data.RequestID, context.Position));
    }
}

/// <summary>
/// Decides a transfer. Everything read here is still true when the decision is stored, and the decision is stored as a whole
/// or not at all; otherwise the handler runs again. So no instance, however many there are, can spend the same money twice.
/// </summary>
public sealed class PendingTransactionHandler : IEventHandler<PendingTransaction>
{
    public async Task HandleAsync(EventContext<PendingTransaction> context, CancellationToken cancellationToken)
    {
        // Somebody's event under another key or value is no transfer of ours; nobody waits for its ending.
        if (context.Value != 0 || context.Key != Keys.Transaction(context.Data.TransactionID))
            return;

        // Reading the transfer's own key fixes the value its ending takes: 1, so there can only be one.
        var transfer = await context.ReadAsync<Transfer>(context.Key, cancellationToken);
        if (transfer.Ended)
            return;

        var (id, fromId, toId, amount) = context.Data;
        var from = await context.ReadAsync<Account>(Keys.Account(fromId), cancellationToken);
        var to = await context.ReadAsync<Account>(Keys.Account(toId), cancellationToken);
        if (Refusal(from, to, amount) is { } reason)
        {
            context.Append(context.Key, new RejectedTransaction(id, reason));
            return;
        }

        context.Append(context.Key, new AcceptedTransaction(id));
        context.Append(Keys.Account(fromId), new ConfirmedDebit(fromId, amount, context.Time, id));
        context.Append(Keys.Account(toId), new ConfirmedCredit(toId, amount, context.Time, id));
    }

    /// <summary>Why this cannot be done, or null if it can.</summary>
    public static string? Refusal(Account from, Account to, Money amount) =>
        !amount.IsPayable ? Reasons.InvalidAmount
        : !from.Exists || !to.Exists ? Reasons.UnknownAccount
        : !from.CanPay(amount) ? Reasons.InsufficientFunds
        : !to.CanTake(amount) ? Reasons.AccountLimit
        : null;
}
