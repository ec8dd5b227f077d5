namespace Bank.Contracts;

// The bank's events. Names and properties are a contract: they stand in the log for ever.
// Ids are JSON integers up to 2^53-1, amounts are strings with two decimals.

/// <summary>Somebody wants an account. At <c>req-RequestID</c>, value 0; its position in the log becomes the account's id.</summary>
public sealed record AccountCreationRequest(string RequestID, DateTimeOffset Timestamp);

/// <summary>The account exists. At <c>acc-AccountID</c>, value 0; everything that moves its money follows under that key.</summary>
public sealed record AccountCreated(string RequestID, long AccountID);

/// <summary>A transfer that nobody has decided yet. At <c>tx-TransactionID</c>, value 0.</summary>
public sealed record PendingTransaction(long TransactionID, long FromAccountID, long ToAccountID, Money Amount);

/// <summary>The transfer was carried out. At <c>tx-TransactionID</c>, value 1, in one batch with the debit and the credit.</summary>
public sealed record AcceptedTransaction(long TransactionID);

/// <summary>The transfer was refused. At <c>tx-TransactionID</c>, value 1.</summary>
public sealed record RejectedTransaction(long TransactionID, string Reason);

/// <summary>Money came in: a deposit, or the one side of a transfer. At <c>acc-AccountID</c>.</summary>
public sealed record ConfirmedCredit(long AccountID, Money Amount, DateTimeOffset Timestamp, long? TransactionID = null, string? Note = null);

/// <summary>Money went out: a withdrawal, or the other side of a transfer. At <c>acc-AccountID</c>.</summary>
public sealed record ConfirmedDebit(long AccountID, Money Amount, DateTimeOffset Timestamp, long? TransactionID = null, string? Note = null);
