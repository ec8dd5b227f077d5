namespace Sequent.Client;

/// <summary>
/// A client of a Sequent bus. It connects when first used, reconnects for ever, and repeats what a lost connection left open. Safe for
/// concurrent use; one per process is enough.
/// </summary>
public interface ISequentClient : IAsyncDisposable
{
    /// <summary>Whether there is a session with the bus right now. Nothing has to wait for it.</summary>
    ConnectionState State { get; }

    /// <summary>
    /// Raised after <see cref="State"/> has changed, in order, one at a time, never on the caller's thread. What a subscriber throws is logged. It tells of the
    /// connection for publishing and queries; subscriptions and follows have their own, and resume by themselves.
    /// </summary>
    event EventHandler<ConnectionStateChangedEventArgs>? StateChanged;

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
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came within <see cref="SequentOptions.PublishTimeout"/>, or before the caller cancelled.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before it was sent.</exception>
    Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="PublishAsync"/>, but a conflict or rejection is told by <see cref="Receipt.Status"/>.</summary>
    /// <param name="data">The event's data; its type gives the event's name.</param>
    /// <param name="sequence">The key, and perhaps the value it must take.</param>
    /// <param name="options">Id, correlation and trace, if they matter.</param>
    /// <param name="cancellationToken">Ends the waiting; the event may be stored nevertheless.</param>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came within <see cref="SequentOptions.PublishTimeout"/>, or before the caller cancelled.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before it was sent.</exception>
    Task<Receipt> TryPublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Publishes many events, each of which is accepted or not on its own. They are sent in their order, as many in a message as the bus takes. Where a
    /// failing store refuses one of several messages under way, the bus may have taken a later one first: where order matters beyond that, give values or await.
    /// </summary>
    /// <param name="events">The events.</param>
    /// <param name="cancellationToken">Ends the waiting; events may be stored nevertheless.</param>
    /// <returns>A receipt for each event, in the order of the events.</returns>
    /// <exception cref="SequenceConflictException">The first event that was not accepted had a value that was not due; <see cref="SequenceConflictException.Receipts"/> tells of all.</exception>
    /// <exception cref="PublishRejectedException">The bus does not accept the first event that was not accepted; <see cref="PublishRejectedException.Receipts"/> tells of all.</exception>
    /// <exception cref="PublishAllException">
    /// At least one event has no receipt: the bus refused it, no receipt came in time, or it could not be sent; <see cref="PublishAllException.Outcomes"/> tells of each.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before any was sent.</exception>
    Task<IReadOnlyList<Receipt>> PublishAllAsync(IReadOnlyList<EventToPublish> events, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="PublishAllAsync"/>, but conflicts and rejections are told by <see cref="Receipt.Status"/>.</summary>
    /// <param name="events">The events.</param>
    /// <param name="cancellationToken">Ends the waiting; events may be stored nevertheless.</param>
    /// <returns>A receipt for each event, in the order of the events.</returns>
    /// <exception cref="PublishAllException">
    /// At least one event has no receipt: the bus refused it, no receipt came in time, or it could not be sent; <see cref="PublishAllException.Outcomes"/> tells of each.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before any was sent.</exception>
    Task<IReadOnlyList<Receipt>> TryPublishAllAsync(IReadOnlyList<EventToPublish> events, CancellationToken cancellationToken = default);

    /// <summary>
    /// Publishes a batch, over any keys, that is accepted whole or not at all. It is one decision, named by the id of its first event: if that is stored
    /// already, nothing is appended and every receipt is a duplicate. To read before deciding use <see cref="UpdateAsync"/>.
    /// </summary>
    /// <param name="events">The events, at least one.</param>
    /// <param name="expect">Values of keys that were only read and must still be the last ones (null: the key has no event); none of <paramref name="events"/> has such a key.</param>
    /// <param name="cancellationToken">Ends the waiting; the batch may be stored nevertheless.</param>
    /// <returns>A receipt for each event, in the order of the events.</returns>
    /// <exception cref="SequenceConflictException">A value was not due, or a key that was only read has moved on.</exception>
    /// <exception cref="PublishRejectedException">The bus does not accept one of the events.</exception>
    /// <exception cref="RequestFailedException">The bus refused the batch.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came in time.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent in time.</exception>
    Task<IReadOnlyList<Receipt>> PublishAtomicAsync(IReadOnlyList<EventToPublish> events, IReadOnlyDictionary<string, uint?>? expect = null, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="PublishAtomicAsync"/>, but a batch that is not accepted is told by its receipts: those at fault say why, the others <c>atomic_batch_failed</c>.</summary>
    /// <param name="events">The events, at least one.</param>
    /// <param name="expect">Values of keys that were only read and must still be the last ones (null: the key has no event).</param>
    /// <param name="cancellationToken">Ends the waiting; the batch may be stored nevertheless.</param>
    /// <returns>A receipt for each event, in the order of the events.</returns>
    /// <exception cref="RequestFailedException">The bus refused the batch.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came in time.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent in time.</exception>
    Task<IReadOnlyList<Receipt>> TryPublishAtomicAsync(IReadOnlyList<EventToPublish> events, IReadOnlyDictionary<string, uint?>? expect = null, CancellationToken cancellationToken = default);

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
    /// <exception cref="OutcomeUnknownException">It was sent, but no receipt came within <see cref="SequentOptions.PublishTimeout"/>, or before the caller cancelled; with its <see cref="OutcomeUnknownException.EventId"/> as <see cref="UpdateOptions.DecisionId"/> it can be asked again.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent within <see cref="SequentOptions.PublishTimeout"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before anything was sent.</exception>
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
    /// acked or nacked. Leaving the enumeration unregisters: nothing new is handed out, what was handed out may be settled for
    /// <see cref="SubscriptionOptions.DrainTimeout"/>, and the rest goes to other instances at once, without counting as a failure.
    /// </summary>
    /// <param name="options">As which client type.</param>
    /// <param name="cancellationToken">Ends the subscription.</param>
    /// <exception cref="RequestFailedException">The bus refused the registration.</exception>
    IAsyncEnumerable<Delivery> SubscribeAsync(SubscriptionOptions options, CancellationToken cancellationToken = default);
}
