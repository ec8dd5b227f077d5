namespace Sequent.Client;

/// <summary>The state of one key as the bus had it when asked.</summary>
/// <typeparam name="TState">The type of the state.</typeparam>
/// <param name="State">The fold of all its events.</param>
/// <param name="LastValue">The value of its last event, or null if it has none.</param>
public sealed record KeyState<TState>(TState State, uint? LastValue)
{
    /// <summary>The key has at least one event.</summary>
    public bool Exists => LastValue is not null;
}
