namespace Sequent.Client;

/// <summary>
/// A client of a Sequent bus. It connects when first used, reconnects for ever, and repeats what a lost connection left open. Safe for
/// concurrent use; one per process is enough.
/// </summary>
public interface ISequentClient : IAsyncDisposable
{
    /// <summary>Whether there is a session with the bus right now. Nothing has to wait for it.</summary>
    ConnectionState State { get; }

    /// <summary>Connects if need be and tells about the bus. Waits as long as it takes.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<BusInfo> ConnectAsync(CancellationToken cancellationToken = default);

    /// <summary>Publishes one event and waits for its receipt: when it returns, the event is durable.</summary>
    /// <param name="data">The event's data; its type gives the event's name.</param>
    /// <param name="sequence">The key, and perhaps the value it must take.</param>
    /// <param name="options">Id, correlation and trace, if they matter.</param>
    /// <param name="cancellationToken">Ends the waiting; the event may be stored nevertheless.</param>
    /// <exception cref="SequenceConflictException">The value was not due.</exception>
    /// <exception cref="PublishRejectedException">The bus does not accept the event.</exception>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="PublishAsync"/>, but a conflict or rejection is told by <see cref="Receipt.Status"/>.</summary>
    /// <param name="data">The event's data; its type gives the event's name.</param>
    /// <param name="sequence">The key, and perhaps the value it must take.</param>
    /// <param name="options">Id, correlation and trace, if they matter.</param>
    /// <param name="cancellationToken">Ends the waiting; the event may be stored nevertheless.</param>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    Task<Receipt> TryPublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a unit: the function reads keys and appends events, and everything is committed as one atomic batch, as of one moment, or the
    /// function runs again with fresh reads. It may run often, so it must have no side effects. What it throws ends the unit and comes out unchanged.
    /// </summary>
    /// <param name="decide">Reads, decides, appends.</param>
    /// <param name="options">Decision id and correlation, if they matter.</param>
    /// <param name="cancellationToken">Ends the waiting; a batch that was sent may be stored nevertheless.</param>
    /// <exception cref="UnitTimeoutException">Every run met conflicts until <see cref="SequentOptions.UnitTimeout"/>.</exception>
    /// <exception cref="PublishRejectedException">The bus does not accept one of the events.</exception>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    Task<UpdateResult> UpdateAsync(Func<IUnit, CancellationToken, Task> decide, UpdateOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The state of a key as of now. Sees every event that was acknowledged to anybody before the call.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <param name="key">The sequence key.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<KeyState<TState>> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState>;

    /// <summary>Reads past events in log order, up to the end of the log when the query began, or went on after a lost connection.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    /// <exception cref="RequestFailedException">The bus refused the query, or has another log than it asks for.</exception>
    IAsyncEnumerable<RecordedEvent> QueryAsync(EventQuery query, CancellationToken cancellationToken = default);

    /// <summary>Reads past events and goes on with new ones as they become durable, without a gap, over its own connection.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Ends the follow.</param>
    /// <exception cref="RequestFailedException">The bus refused the query, or its log is another one now (<c>log_changed</c>).</exception>
    IAsyncEnumerable<FollowItem> FollowAsync(EventQuery query, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes part as an instance of a client type over its own connection, and registers again after a lost one. Each delivery has to be
    /// acked or nacked. Stopping the enumeration gives back what is not acked.
    /// </summary>
    /// <param name="options">As which client type.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    /// <exception cref="RequestFailedException">The bus refused the registration.</exception>
    IAsyncEnumerable<Delivery> SubscribeAsync(SubscriptionOptions options, CancellationToken cancellationToken = default);
}
