namespace Sequent.Client.Tests.Support;

internal sealed record Deposited(decimal Amount);

internal sealed record Withdrawn(decimal Amount);

[EventType("renamed.v2")]
internal sealed record Renamed(string Name);

internal sealed record Account(decimal Balance) : IState<Account>
{
    public static Account Initial { get; } = new(0m);

    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        Deposited d => new(state.Balance + d.Amount),
        Withdrawn w => new(state.Balance - w.Amount),
        _ => state,
    };
}

internal sealed record Count(int Events) : IState<Count>
{
    public static Count Initial { get; } = new(0);

    public static Count Apply(Count state, RecordedEvent e) => new(state.Events + 1);
}
