namespace Sequent.Client;

/// <summary>
/// An event was sent, but no receipt came before its caller cancelled, <see cref="SequentOptions.PublishTimeout"/> or the end of the client. It may be
/// stored or not; publishing again with <see cref="EventId"/> is safe and tells. After a cancellation the inner exception is an <see cref="OperationCanceledException"/>.
/// From an original bus, which keeps no ids, it also comes when the connection was lost; there reading the key tells, and publishing again may store it twice.
/// </summary>
public sealed class OutcomeUnknownException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public OutcomeUnknownException(Guid eventId, string why, Exception? innerException = null)
        : this(eventId, $"{why} Publishing it again under the same id is safe and tells.", innerException, isRepeatable: true)
    {
    }

    private OutcomeUnknownException(Guid eventId, string text, Exception? innerException, bool isRepeatable)
        : base($"Whether the event {eventId} is stored is not known: {text}", innerException) => (EventId, IsRepeatable) = (eventId, isRepeatable);

    /// <summary>The id of the event; of a batch its first event's.</summary>
    public Guid EventId { get; }

    /// <summary>The bus keeps ids, so publishing again under the same id is safe.</summary>
    public bool IsRepeatable { get; }

    /// <summary>Of an event that went to a bus which keeps no ids.</summary>
    internal static OutcomeUnknownException Unrepeatable(Guid eventId, string why, Exception? innerException = null) =>
        new(eventId, $"{why} The bus keeps no ids: read the key to find out before publishing again.", innerException, isRepeatable: false);
}
