namespace Sequent.Protocol;

/// <summary>A message from the bus to a client.</summary>
public abstract record BusMessage;

/// <summary><c>hello</c>: the first message of the bus in a v2 session.</summary>
/// <param name="Version">The version of the bus.</param>
/// <param name="LogId">Names the log; positions of different logs do not compare.</param>
/// <param name="SessionId">Names the session.</param>
/// <param name="Position">The head of the log.</param>
/// <param name="Limits">What the bus accepts.</param>
/// <param name="KeepAliveMs">How often the bus pings, in milliseconds.</param>
public sealed record HelloMessage(string Version, string LogId, string SessionId, long Position, BusLimits Limits, long KeepAliveMs) : BusMessage;

/// <summary>What a bus accepts.</summary>
/// <param name="MessageBytes">The largest message, in bytes.</param>
/// <param name="EventsPerMessage">The most events in one <c>new</c>.</param>
/// <param name="QueryPage">The most events in one page of an answer.</param>
/// <param name="KeyBytes">The longest key, in UTF-8 bytes.</param>
/// <param name="EventTypeBytes">The longest event type, in UTF-8 bytes.</param>
public sealed record BusLimits(int MessageBytes, int EventsPerMessage, int QueryPage, int KeyBytes, int EventTypeBytes);

/// <summary><c>registration</c>: the answer to <c>register</c>; echoes it.</summary>
/// <param name="ClientType">As registered.</param>
/// <param name="EventTypes">As registered.</param>
public sealed record RegistrationMessage(string ClientType, IReadOnlyList<string> EventTypes) : BusMessage
{
    /// <summary>v2: the request's, if it had one.</summary>
    public string? RequestId { get; init; }

    /// <summary>v2: the client type existed before.</summary>
    public bool? Known { get; init; }

    /// <summary>v2: everything up to this position was judged for the client type.</summary>
    public long? Cursor { get; init; }
}

/// <summary>What became of one published event.</summary>
public enum ReceiptStatus
{
    /// <summary>Stored and durable.</summary>
    Success,

    /// <summary>The value was not the next one of its key; nothing was stored.</summary>
    Inconsistent,

    /// <summary>v2: an event with this id is stored already. Counts as success.</summary>
    Duplicate,

    /// <summary>v2: not acceptable for another reason; nothing was stored.</summary>
    Rejected,
}

/// <summary>The answer to one published event.</summary>
/// <param name="Status">What became of it.</param>
public sealed record ReceiptEntry(ReceiptStatus Status)
{
    /// <summary>v1: lower-case hex SHA-1 of the canonical data.</summary>
    public string? Checksum { get; init; }

    /// <summary>v2: the key; of a duplicate the stored event's. Null if the place is not known.</summary>
    public string? Key { get; init; }

    /// <summary>v2: the value given or found.</summary>
    public uint? Value { get; init; }

    /// <summary>v2: the position in the log.</summary>
    public long? Position { get; init; }

    /// <summary>v2: the id the event was published with.</summary>
    public Guid? EventId { get; init; }

    /// <summary>v2, on a duplicate: the type of the stored event.</summary>
    public string? EventType { get; init; }

    /// <summary>v2, on a conflict: the value that was due.</summary>
    public uint? Expected { get; init; }

    /// <summary>v2, on a rejection: one of <see cref="RejectReasons"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>v2, on a failed expectation: the last values of the keys that moved on.</summary>
    public IReadOnlyDictionary<string, uint?>? Expect { get; init; }
}

/// <summary><c>receipt</c>: the answer to one <c>new</c>, in the order of its events.</summary>
/// <param name="Receipts">One entry per event.</param>
/// <param name="Sender">The address of the publishing connection.</param>
/// <param name="Timestamp">When it was processed, as RFC 2822 text.</param>
public sealed record ReceiptMessage(IReadOnlyList<ReceiptEntry> Receipts, string Sender, string Timestamp) : BusMessage
{
    /// <summary>v2: the request's.</summary>
    public string? RequestId { get; init; }
}

/// <summary>One or several deliveries: <c>event</c> or <c>events</c>.</summary>
/// <param name="Events">The deliveries, in order.</param>
public sealed record EventsMessage(IReadOnlyList<DeliveredEvent> Events) : BusMessage;

/// <summary><c>unregistered</c>: the session takes part no longer.</summary>
/// <param name="ClientType">The client type it was an instance of.</param>
public sealed record UnregisteredMessage(string ClientType) : BusMessage
{
    /// <summary>The request's, if it had one.</summary>
    public string? RequestId { get; init; }
}

/// <summary><c>draining</c>: the bus is about to stop. Nothing new is delivered; finish, ack, and connect again.</summary>
public sealed record DrainingMessage : BusMessage;

/// <summary><c>revoked</c>: these deliveries are no longer the session's; their acks settle nothing.</summary>
/// <param name="Deliveries">The numbers of the deliveries.</param>
public sealed record RevokedMessage(IReadOnlyList<long> Deliveries) : BusMessage;

/// <summary><c>rebuild</c>: one page of a query's answer.</summary>
/// <param name="Events">The events, in log order.</param>
public sealed record RebuildMessage(IReadOnlyList<WireEvent> Events) : BusMessage
{
    /// <summary>v2: the query's.</summary>
    public string? RequestId { get; init; }

    /// <summary>v2: the log was read up to this position.</summary>
    public long Position { get; init; }

    /// <summary>v2: nothing follows.</summary>
    public bool Last { get; init; }
}

/// <summary><c>caught_up</c>: a follow has delivered everything that was stored when it began.</summary>
/// <param name="RequestId">The query's.</param>
/// <param name="Position">The log was read up to this position.</param>
public sealed record CaughtUpMessage(string RequestId, long Position) : BusMessage;

/// <summary><c>sequences</c>: the last values of keys, as one snapshot.</summary>
/// <param name="RequestId">The request's.</param>
/// <param name="Values">Per key its last value, or null if it has no event.</param>
public sealed record SequencesMessage(string RequestId, IReadOnlyDictionary<string, uint?> Values) : BusMessage;

/// <summary><c>error</c>: a message had no effect, and why.</summary>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">For a person.</param>
public sealed record ErrorMessage(string Code, string Message) : BusMessage
{
    /// <summary>The faulty request's, if it had one.</summary>
    public string? RequestId { get; init; }

    /// <summary>The JSON path of the fault, if there is one.</summary>
    public string? Path { get; init; }
}
