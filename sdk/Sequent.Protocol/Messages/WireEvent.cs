namespace Sequent.Protocol;

/// <summary>A stored event as the bus sends it.</summary>
/// <param name="Key">The sequence key.</param>
/// <param name="Value">The value of the key.</param>
/// <param name="CorrelationId">As published.</param>
/// <param name="EventType">As published.</param>
/// <param name="Data">Any JSON value as UTF-8 text.</param>
public sealed record WireEvent(string Key, uint Value, uint CorrelationId, string EventType, ReadOnlyMemory<byte> Data)
{
    /// <summary>The address of the producing connection, such as <c>V4(127.0.0.1:45837)</c>.</summary>
    public string Sender { get; init; } = "";

    /// <summary>Names the producing session: unsigned 64 bits, a number in v1, a string in v2.</summary>
    public ulong SessionId { get; init; }

    /// <summary>When the event became part of the log, UTC. Never runs backwards along the log.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>v2: the place in the log.</summary>
    public long Position { get; init; }

    /// <summary>v2: the id it was published with, if any.</summary>
    public Guid? EventId { get; init; }

    /// <summary>v2: W3C trace context.</summary>
    public string? TraceParent { get; init; }

    /// <summary>v2: W3C trace context, vendor part.</summary>
    public string? TraceState { get; init; }

    /// <summary>v2: the content type; null means <see cref="WireNames.DefaultContentType"/>.</summary>
    public string? ContentType { get; init; }
}

/// <summary>One attempt to hand one event to one session.</summary>
/// <param name="Event">The event.</param>
/// <param name="Delivery">1, 2, 3, … per session; what acks and nacks name.</param>
/// <param name="Attempt">Failures so far, plus one.</param>
/// <param name="Redelivered">True unless the bus knows that nobody had the event before.</param>
public sealed record DeliveredEvent(WireEvent Event, long Delivery, int Attempt, bool Redelivered)
{
    /// <summary>A dead letter that an operator sent on its way again: it stands beside the order of its key.</summary>
    public bool Redriven { get; init; }
}
