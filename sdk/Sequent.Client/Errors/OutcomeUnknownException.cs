namespace Sequent.Client;

/// <summary>
/// An event was sent, but no receipt came before its caller cancelled, <see cref="SequentOptions.PublishTimeout"/> or the end of the client. It may be
/// stored or not; publishing again with <see cref="EventId"/> is safe and tells. After a cancellation the inner exception is an <see cref="OperationCanceledException"/>.
/// </summary>
public sealed class OutcomeUnknownException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public OutcomeUnknownException(Guid eventId, string why, Exception? innerException = null)
        : base($"Whether the event {eventId} is stored is not known: {why} Publishing it again under the same id is safe and tells.", innerException) => EventId = eventId;

    /// <summary>The id of the event; of a batch its first event's.</summary>
    public Guid EventId { get; }
}
