using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing;

/// <summary>
/// Makes what the SDK gives to handlers, folds and callers, so that they can be tested with mocks and no bus at all. Whatever is not given has a value
/// that makes sense; anything further is set with a <c>with</c> expression.
/// </summary>
public static class SequentModels
{
    private static readonly DateTimeOffset Start = TimeProvider.System.GetUtcNow();

    /// <summary>An event on its way through a handler.</summary>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    /// <param name="data">What happened.</param>
    /// <param name="unit">Where the handler's reads and appends go: a mock.</param>
    /// <param name="key">The sequence key.</param>
    /// <param name="value">The value of the key.</param>
    /// <param name="position">The place in the log.</param>
    /// <param name="attempt">Failures so far, plus one.</param>
    /// <param name="redelivered">True unless nobody had the event before.</param>
    public static EventContext<TEvent> EventContext<TEvent>(
        TEvent data, IUnit unit, string key = "key", uint value = 0, long position = 1, int attempt = 1, bool redelivered = false)
        where TEvent : notnull =>
        new(RecordedEvent(data, key, value, position), unit, attempt, redelivered);

    /// <summary>An event as the bus has recorded it: with an id of its own, and the time at which the tests began. Its <see cref="Client.RecordedEvent.Json"/> is empty.</summary>
    /// <param name="data">What happened.</param>
    /// <param name="key">The sequence key.</param>
    /// <param name="value">The value of the key.</param>
    /// <param name="position">The place in the log.</param>
    /// <param name="eventType">The name on the wire; null: that of the data's <see cref="EventTypeAttribute"/>, or of its type.</param>
    public static RecordedEvent RecordedEvent(object data, string key = "key", uint value = 0, long position = 1, string? eventType = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new RecordedEvent
        {
            EventType = eventType ?? new EventCatalog().Map(data.GetType()).Name,
            Data = data,
            Key = key,
            Value = value,
            Position = position,
            EventId = Guid.CreateVersion7(Start),
            Time = Start,
        };
    }

    /// <summary>The answer of the bus to a published event, with an event id of its own.</summary>
    /// <param name="key">The sequence key.</param>
    /// <param name="value">The value of the key.</param>
    /// <param name="position">The place in the log; null if nothing is stored.</param>
    /// <param name="status">What became of the event.</param>
    public static Receipt Receipt(string key = "key", uint? value = 0, long? position = 1, ReceiptStatus status = ReceiptStatus.Success) =>
        new(status, key, value, position, Guid.CreateVersion7(Start));
}
