namespace Sequent.Client;

/// <summary>
/// Handles events of one type. A handler is a unit: what it reads is current when it commits, and what it appends is stored as one atomic
/// batch when it returns; then the event is acked. It may run often, so its other side effects happen at least once.
/// </summary>
/// <typeparam name="TEvent">The type of the event's data.</typeparam>
public interface IEventHandler<TEvent>
{
    /// <summary>Handles one event. An exception gives the event back; it comes again after a back-off.</summary>
    /// <param name="context">The event, and what may be read and appended.</param>
    /// <param name="cancellationToken">Cancelled when the delivery is no longer this instance's, or after <see cref="SequentOptions.HandlerTimeout"/>.</param>
    Task HandleAsync(EventContext<TEvent> context, CancellationToken cancellationToken);
}
