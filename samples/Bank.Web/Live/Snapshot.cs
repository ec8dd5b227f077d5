using Bank.Contracts;
using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>A part of the bank, as a customer notices its absence.</summary>
public enum Part
{
    Users,
    Accounts,
    Transactions,
}

/// <summary>The bank as one customer saw it last. What could not be read is as it was before.</summary>
public sealed record Snapshot
{
    public static Snapshot Empty { get; } = new();

    /// <summary>Null until they were read once.</summary>
    public IReadOnlyList<AccountBalance>? Accounts { get; init; }

    /// <summary>Newest first; null until they were read once.</summary>
    public IReadOnlyList<TransferLine>? Transfers { get; init; }

    /// <summary>The account whose statement is watched, and that statement: null until it was read once.</summary>
    public Statement? Statement { get; init; }

    /// <summary>What does not answer now.</summary>
    public IReadOnlyList<Part> Away { get; init; } = [];

    /// <summary>When everything was read last; null before that.</summary>
    public DateTimeOffset? CompleteAt { get; init; }

    public Money Total => (Accounts ?? []).Aggregate(Money.Zero, (sum, account) => sum + account.Balance);

    /// <summary>True if it looks the same, whenever it was read.</summary>
    public bool LooksLike(Snapshot other) =>
        Same(Accounts, other.Accounts) && Same(Transfers, other.Transfers) && Same(Statement?.Lines, other.Statement?.Lines) && Away.SequenceEqual(other.Away);

    private static bool Same<T>(IReadOnlyList<T>? one, IReadOnlyList<T>? other) => ReferenceEquals(one, other) || (one is not null && other is not null && one.SequenceEqual(other));
}

/// <param name="AccountId">Whose.</param>
/// <param name="Position">Up to here.</param>
/// <param name="Lines">Oldest first.</param>
public sealed record Statement(long AccountId, long? Position, IReadOnlyList<StatementLine> Lines);
