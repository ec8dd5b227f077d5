using Sequent.Client.Events;

namespace Sequent.Client;

/// <summary>An event as the bus has recorded it. Immutable, apart from <see cref="Data"/> being read on first use.</summary>
public sealed record RecordedEvent
{
    private readonly EventMapper? _mapper;
    private readonly bool _needsType;
    private object? _data;

    /// <summary>Creates an event by hand, for tests of folds and handlers.</summary>
    public RecordedEvent()
    {
    }

    internal RecordedEvent(EventMapper mapper, bool needsType) => (_mapper, _needsType) = (mapper, needsType);

    /// <summary>The name of the event's type on the wire.</summary>
    public required string EventType { get; init; }

    /// <summary>
    /// What happened: an instance of the type that the <see cref="EventCatalog"/> has for <see cref="EventType"/>, or a
    /// <see cref="System.Text.Json.JsonElement"/> if it has none. Read from <see cref="Json"/> on first use.
    /// </summary>
    /// <exception cref="System.Text.Json.JsonException">The JSON does not fit the type.</exception>
    /// <exception cref="InvalidOperationException">The event is being folded into a state, and its type is not in the catalog: a state that
    /// silently passed over it would be wrong. Add the type, or look at <see cref="EventType"/> first to pass over it on purpose.</exception>
    public object Data
    {
        get => _data ??= _mapper?.Read(this, _needsType) ?? throw new InvalidOperationException("This event was created without Data.");
        init => _data = value;
    }

    /// <summary>
    /// The data as published, UTF-8. A slice of the message it came in: keeping it keeps the message, up to 1 MiB. Empty for an event created
    /// by hand without it.
    /// </summary>
    public ReadOnlyMemory<byte> Json { get; init; }

    /// <summary>The sequence key.</summary>
    public required string Key { get; init; }

    /// <summary>The value of the key: 0, 1, 2, … without a gap.</summary>
    public uint Value { get; init; }

    /// <summary>The place in the log: 1, 2, 3, … without a gap.</summary>
    public long Position { get; init; }

    /// <summary>The id it was published with; null for events of clients of the original protocol.</summary>
    public Guid? EventId { get; init; }

    /// <summary>A number that old services carry along.</summary>
    public uint CorrelationId { get; init; }

    /// <summary>When it became part of the log, UTC. Never runs backwards along the log.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>W3C trace context of the publisher, if any.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What belongs to <see cref="TraceParent"/>, by the same standard.</summary>
    public string? TraceState { get; init; }

    /// <summary>Two are equal if they are the same event of the log: what was read of one of them already does not matter.</summary>
    public bool Equals(RecordedEvent? other) =>
        other is not null && (Position, Value, Key, EventType, EventId) == (other.Position, other.Value, other.Key, other.EventType, other.EventId);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Position, Value, Key, EventType, EventId);

    /// <summary>Type and place, never the data, so that it may be logged.</summary>
    public override string ToString() => $"{EventType} {Key}/{Value} at {Position}";
}
