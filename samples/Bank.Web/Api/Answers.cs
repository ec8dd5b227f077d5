using Bank.Contracts;

namespace Bank.Web.Api;

/// <summary>A session that was opened.</summary>
/// <param name="Token">Who has it, is the customer.</param>
/// <param name="ExpiresIn">In seconds.</param>
public sealed record LoggedIn(string Token, int ExpiresIn);

public sealed record Customer(string Username, IReadOnlyList<long> Accounts);

/// <param name="RequestId">Names the request.</param>
/// <param name="Status">"pending" or "created".</param>
/// <param name="AccountId">Set once it is created.</param>
public sealed record AccountRequest(Guid RequestId, string Status, long? AccountId);

/// <param name="AccountId">The account.</param>
/// <param name="Balance">What is on it.</param>
/// <param name="Position">Rises with every entry: the statement is the same as long as this is. Null if it was not told.</param>
public sealed record AccountBalance(long AccountId, Money Balance, long? Position);

/// <summary>One entry of a statement. Money that went out has a minus.</summary>
public sealed record StatementLine(DateTimeOffset Timestamp, Money Amount, string? Note, long? TransactionId);

/// <param name="TransactionId">Names the transfer.</param>
/// <param name="Status">"PENDING", "ACCEPTED" or "REJECTED".</param>
/// <param name="Reason">Why it was rejected.</param>
public sealed record TransferState(long TransactionId, string Status, string? Reason);

public sealed record TransferLine(long TransactionId, long FromAccountId, long ToAccountId, Money Amount, string Status, string? Reason);
