using Sequent.Client;

namespace Docs.Tests.Guide;

public sealed record Deposited(decimal Amount);
public sealed record Withdrawn(decimal Amount);
public sealed record TransferRequested(string From, string To, decimal Amount);
public sealed record TransferAccepted;
public sealed record TransferRejected(string Reason);

public sealed record Account(decimal Balance) : IState<Account>
{
    public static Account Initial => new(0m);

    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        Deposited d => new(state.Balance + d.Amount),
        Withdrawn w => new(state.Balance - w.Amount),
        _ => state,
    };

    public bool CanPay(decimal amount) => Balance >= amount;
}

public sealed record Transfer(bool Ended) : IState<Transfer>
{
    public static Transfer Initial => new(false);

    public static Transfer Apply(Transfer state, RecordedEvent e) => new(e.Data is TransferAccepted or TransferRejected);
}
