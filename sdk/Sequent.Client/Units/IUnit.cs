namespace Sequent.Client;

/// <summary>
/// Keys read and events appended together, committed as one atomic batch or not at all. Use it only inside the function it was given to.
/// </summary>
public interface IUnit
{
    /// <summary>
    /// The state of a key, current when the unit commits: if another writer moves the key on before, the unit runs again. Within one run a
    /// key read twice has the same events; what this unit appends is not part of it.
    /// </summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <param name="key">The sequence key.</param>
    /// <param name="cancellationToken">Ends waiting for the bus.</param>
    /// <exception cref="InvalidOperationException">The unit has ended.</exception>
    ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState>;

    /// <summary>
    /// Appends an event to a key when the unit commits. If the key was read, by then or later in the run, the event takes exactly the value
    /// after the last one read; else the next one, whatever it is.
    /// </summary>
    /// <param name="key">The sequence key.</param>
    /// <param name="data">The event's data; its type gives the event's name.</param>
    /// <exception cref="InvalidOperationException">The unit has ended.</exception>
    void Append(string key, object data);
}
