using Sequent.Client;

namespace Bank.Contracts;

/// <summary>An account as the events under its key tell it.</summary>
/// <param name="Exists">False until <see cref="AccountCreated"/>.</param>
/// <param name="Balance">Credits minus debits.</param>
/// <param name="Position">Where its last event stands in the log: a read model that came this far knows all about it.</param>
public sealed record Account(bool Exists, Money Balance, long Position) : IState<Account>
{
    /// <summary>The most an account may hold: its cents stay exact in every language's numbers.</summary>
    public static readonly Money Limit = new((1L << 53) - 1);

    public static Account Initial { get; } = new(false, Money.Zero, 0);

    public bool CanPay(Money amount) => amount <= Balance;

    public bool CanTake(Money amount) => amount <= Limit - Balance;

    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        AccountCreated => state with { Exists = true, Position = e.Position },
        ConfirmedCredit credit => state with { Balance = state.Balance + credit.Amount, Position = e.Position },
        ConfirmedDebit debit => state with { Balance = state.Balance - debit.Amount, Position = e.Position },
        _ => state,
    };
}
