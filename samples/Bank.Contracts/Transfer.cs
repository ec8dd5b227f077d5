using Sequent.Client;

namespace Bank.Contracts;

/// <summary>A transfer as the events under its key tell it. The first ending counts, and there is no other: it needs value 1.</summary>
public sealed record Transfer(PendingTransaction? Request, TransferStatus Status, string? Reason) : IState<Transfer>
{
    public static Transfer Initial { get; } = new(null, TransferStatus.Pending, null);

    public bool Ended => Status != TransferStatus.Pending;

    public static Transfer Apply(Transfer state, RecordedEvent e) => e.Data switch
    {
        PendingTransaction request when state.Request is null => state with { Request = request },
        AcceptedTransaction when !state.Ended => state with { Status = TransferStatus.Accepted },
        RejectedTransaction rejected when !state.Ended => state with { Status = TransferStatus.Rejected, Reason = rejected.Reason },
        _ => state,
    };
}

public enum TransferStatus
{
    Pending,
    Accepted,
    Rejected,
}

/// <summary>Why a transfer or a withdrawal was refused.</summary>
public static class Reasons
{
    public const string UnknownAccount = "unknown_account";
    public const string InsufficientFunds = "insufficient_funds";
    public const string InvalidAmount = "invalid_amount";
    public const string AccountLimit = "account_limit";
}
