namespace Sequent.Client;

/// <summary>What the events of one key add up to. Must be immutable: folds are kept and shared.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IState<TSelf>
    where TSelf : IState<TSelf>
{
    /// <summary>The state before the first event.</summary>
    static abstract TSelf Initial { get; }

    /// <summary>The state after one more event. A pure function; events that do not matter return <paramref name="state"/>.</summary>
    static abstract TSelf Apply(TSelf state, RecordedEvent e);
}
