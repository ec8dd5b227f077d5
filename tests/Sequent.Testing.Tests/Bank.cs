using Sequent.Client;

[assembly: Parallelizable(ParallelScope.All)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]

namespace Sequent.Testing.Tests;

public sealed record Deposited(decimal Amount);

public sealed record Withdrawn(decimal Amount);

public sealed record WithdrawalRefused(string Reason);

[EventType("withdrawal.requested")]
public sealed record WithdrawalRequested(decimal Amount);

public sealed record Account(decimal Balance) : IState<Account>
{
    public static Account Initial { get; } = new(0m);

    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        Deposited d => new(state.Balance + d.Amount),
        Withdrawn w => new(state.Balance - w.Amount),
        _ => state,
    };
}

/// <summary>Pays out what the account holds.</summary>
public sealed class WithdrawalHandler : IEventHandler<WithdrawalRequested>
{
    public async Task HandleAsync(EventContext<WithdrawalRequested> context, CancellationToken cancellationToken)
    {
        var account = await context.ReadAsync<Account>(context.Key, cancellationToken);
        if (account.Balance < context.Data.Amount)
            context.Append(context.Key, new WithdrawalRefused("insufficient_funds"));
        else
            context.Append(context.Key, new Withdrawn(context.Data.Amount));
    }
}
