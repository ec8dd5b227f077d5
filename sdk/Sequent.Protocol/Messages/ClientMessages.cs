namespace Sequent.Protocol;

/// <summary>A message from a client to the bus.</summary>
/// <param name="RequestId">v2: comes back in the answer, whichever it is, and in an <c>error</c>. At most <see cref="WireNames.MaxRequestIdLength"/> characters.</param>
public abstract record ClientMessage(string? RequestId = null);

/// <summary><c>register</c>: take part as an instance of a client type.</summary>
/// <param name="ClientType">The name of the service. Anything, even empty.</param>
/// <param name="EventTypes">The event types the instance takes; exactly <c>["*"]</c> means all.</param>
public sealed record RegisterMessage(string ClientType, IReadOnlyList<string> EventTypes) : ClientMessage
{
    /// <summary>v2: a name of the instance, for people.</summary>
    public string? Instance { get; init; }

    /// <summary>v2: how many unacked deliveries the instance takes, 1..65536. Null: the bus's default.</summary>
    public int? MaxInFlight { get; init; }

    /// <summary>v2: how many unacked deliveries of one key the instance takes. Null: the bus's default.</summary>
    public int? MaxInFlightPerKey { get; init; }

    /// <summary>v2: where a client type seen for the first time starts. Ignored for a known one.</summary>
    public StartPosition? Start { get; init; }
}

/// <summary>Where a new client type starts: everything stored, only what comes, or after a position.</summary>
public sealed record StartPosition
{
    private StartPosition(long? position, string? logId, bool isEarliest) =>
        (Position, LogId, IsEarliest) = (position, logId, isEarliest);

    /// <summary>From the first event of the log.</summary>
    public static StartPosition Earliest { get; } = new(null, null, true);

    /// <summary>From the first event after the registration.</summary>
    public static StartPosition Latest { get; } = new(null, null, false);

    /// <summary>From the first event after this position, or null.</summary>
    public long? Position { get; }

    /// <summary>The log that <see cref="Position"/> belongs to, or null.</summary>
    public string? LogId { get; }

    /// <summary>True for <see cref="Earliest"/>.</summary>
    public bool IsEarliest { get; }

    /// <summary>From the first event after <paramref name="position"/> of the log <paramref name="logId"/>.</summary>
    public static StartPosition After(long position, string logId) => new(position, logId, false);
}

/// <summary><c>new</c>: publish events.</summary>
/// <param name="Events">The events, in order.</param>
public sealed record NewMessage(IReadOnlyList<NewEvent> Events) : ClientMessage
{
    /// <summary>v2: all events are accepted or none.</summary>
    public bool Atomic { get; init; }

    /// <summary>v2, atomic only: the last values of keys that were only read (null: the key has no event yet).</summary>
    public IReadOnlyDictionary<string, uint?>? Expect { get; init; }
}

/// <summary>One event to publish.</summary>
/// <param name="Key">The sequence key. Anything, even empty.</param>
/// <param name="Value">The explicit value, or null for the next one (<c>"*"</c>).</param>
/// <param name="CorrelationId">A number that old services carry along.</param>
/// <param name="EventType">The name of the event's type.</param>
/// <param name="Data">Any JSON value as UTF-8 text, unchanged.</param>
public sealed record NewEvent(string Key, uint? Value, uint CorrelationId, string EventType, ReadOnlyMemory<byte> Data)
{
    /// <summary>v2: the id under which the event is stored at most once.</summary>
    public Guid? EventId { get; init; }

    /// <summary>v2: W3C trace context.</summary>
    public string? TraceParent { get; init; }

    /// <summary>v2: W3C trace context, vendor part.</summary>
    public string? TraceState { get; init; }

    /// <summary>v2: the content type of the data; null means <see cref="WireNames.DefaultContentType"/>.</summary>
    public string? ContentType { get; init; }
}

/// <summary><c>ack</c> of v1: the event came back. It is matched by key and value within the session.</summary>
/// <param name="Key">The event's key.</param>
/// <param name="Value">The event's value.</param>
public sealed record EventAckMessage(string Key, uint Value) : ClientMessage
{
    /// <summary>For who sends it: the event as it came, UTF-8.</summary>
    public ReadOnlyMemory<byte> Event { get; init; }
}

/// <summary><c>ack</c> of v2: settles deliveries of this session. Exactly one of the two is given.</summary>
public sealed record AckMessage : ClientMessage
{
    /// <summary>Settles every delivery up to and including this number.</summary>
    public long? UpTo { get; init; }

    /// <summary>Settles these deliveries.</summary>
    public IReadOnlyList<long>? Deliveries { get; init; }
}

/// <summary><c>nack</c>: the delivery failed; it and the later unacked ones of its key come again.</summary>
/// <param name="Delivery">The number of the delivery.</param>
public sealed record NackMessage(long Delivery) : ClientMessage
{
    /// <summary>When it comes again, in milliseconds, at most one hour. Null: the bus backs off by itself.</summary>
    public long? DelayMs { get; init; }

    /// <summary>Why, for people.</summary>
    public string? Reason { get; init; }

    /// <summary>Do not try again: put the event among the dead letters.</summary>
    public bool DeadLetter { get; init; }
}

/// <summary><c>extend</c>: these deliveries are still being worked on. Has an effect only where the bus has an ack deadline.</summary>
/// <param name="Deliveries">The numbers of the deliveries.</param>
/// <param name="Ms">From now on, in milliseconds, at most one hour.</param>
public sealed record ExtendMessage(IReadOnlyList<long> Deliveries, long Ms) : ClientMessage;

/// <summary><c>unregister</c>: take part no longer.</summary>
public sealed record UnregisterMessage : ClientMessage
{
    /// <summary>True: no new deliveries, and <c>unregistered</c> once nothing is in flight. False: at once; what is in flight is revoked.</summary>
    public bool Drain { get; init; }
}

/// <summary><c>query</c>: read past events, and with <see cref="Follow"/>, which needs a request id, go on with new ones.</summary>
public sealed record QueryMessage : ClientMessage
{
    /// <summary>The event types wanted; null means all. In v1 they are literal names, and <c>["*"]</c> is one of them.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>Only events later than this time; null means all.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>v2: the log the positions belong to.</summary>
    public string? LogId { get; init; }

    /// <summary>v2: only events after this position.</summary>
    public long? After { get; init; }

    /// <summary>v2: only events up to and including this position.</summary>
    public long? Until { get; init; }

    /// <summary>v2: only events of these keys; several keys are one snapshot.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>v2: only events with these ids.</summary>
    public IReadOnlyList<Guid>? EventIds { get; init; }

    /// <summary>v2: only events with this correlation id.</summary>
    public uint? CorrelationId { get; init; }

    /// <summary>v2: the latest event first (<c>order: "desc"</c>).</summary>
    public bool Descending { get; init; }

    /// <summary>v2: at most this many events.</summary>
    public long? Limit { get; init; }

    /// <summary>v2: at most this many events in a page.</summary>
    public int? PageSize { get; init; }

    /// <summary>v2: pages the bus may send ahead; <see cref="MoreMessage"/> grants more.</summary>
    public int? Credit { get; init; }

    /// <summary>v2: go on with new events as they become durable.</summary>
    public bool Follow { get; init; }
}

/// <summary><c>more</c>: the bus may send this many further pages of a query.</summary>
/// <param name="RequestId">The query's.</param>
/// <param name="Pages">How many, at least 1.</param>
public sealed record MoreMessage(string RequestId, int Pages) : ClientMessage(RequestId);

/// <summary><c>cancel</c>: end a query or a follow.</summary>
/// <param name="RequestId">The query's.</param>
public sealed record CancelMessage(string RequestId) : ClientMessage(RequestId);

/// <summary><c>sequence</c>: ask for the last values of keys, as one snapshot.</summary>
/// <param name="RequestId">Echoed in the answer.</param>
/// <param name="Keys">The keys.</param>
public sealed record SequenceMessage(string RequestId, IReadOnlyList<string> Keys) : ClientMessage(RequestId);
