namespace Sequent.Protocol;

/// <summary>Names and numbers that both ends of the wire must agree on.</summary>
public static class WireNames
{
    /// <summary>The WebSocket subprotocol that turns a session into a v2 session.</summary>
    public const string Subprotocol = "sequent.v2";

    /// <summary>In <c>register</c>: all event types. It is a wildcard only when it is the sole element.</summary>
    public const string AnyType = "*";

    /// <summary>The content type of an event that names none.</summary>
    public const string DefaultContentType = "application/json";

    /// <summary>The largest integer of v2: 2^53 - 1, which every JSON library carries exactly.</summary>
    public const long MaxInteger = (1L << 53) - 1;

    /// <summary>The deepest nesting of a whole message, as in the original bus.</summary>
    public const int MaxDepth = 127;

    /// <summary>The longest <c>request_id</c>, in UTF-16 characters.</summary>
    public const int MaxRequestIdLength = 128;

    /// <summary>The longest name of a client type, in UTF-16 characters.</summary>
    public const int MaxClientTypeLength = 512;

    /// <summary>The longest name of an instance, in UTF-16 characters.</summary>
    public const int MaxInstanceLength = 256;

    /// <summary>The longest <c>traceparent</c>, in UTF-16 characters; W3C's version 00 has 55.</summary>
    public const int MaxTraceParentLength = 128;

    /// <summary>The longest <c>tracestate</c>, in UTF-16 characters, as W3C asks to carry.</summary>
    public const int MaxTraceStateLength = 512;

    /// <summary>The longest <c>content_type</c>, in UTF-16 characters.</summary>
    public const int MaxContentTypeLength = 256;

    /// <summary>What is kept of the reason of a nack, in UTF-16 characters.</summary>
    public const int MaxReasonLength = 1_024;

    /// <summary>The most keys, or event ids, that one <c>query</c>, <c>sequence</c> or <c>expect</c> names.</summary>
    public const int MaxNames = 10_000;

    /// <summary>The longest delay a nack may ask for, in milliseconds: one hour.</summary>
    public const long MaxNackDelayMs = 3_600_000;

    /// <summary>The longest extension of a deadline, in milliseconds: one hour.</summary>
    public const long MaxExtensionMs = 3_600_000;
}

/// <summary>The codes an <see cref="ErrorMessage"/> carries. They are stable; texts are not.</summary>
public static class ErrorCodes
{
    /// <summary>The frame is not JSON as the original bus reads it.</summary>
    public const string MalformedJson = "malformed_json";

    /// <summary>A field is missing, of a wrong type or out of its range.</summary>
    public const string InvalidMessage = "invalid_message";

    /// <summary>The <c>message_type</c> is none that a client may send.</summary>
    public const string UnknownMessageType = "unknown_message_type";

    /// <summary>The message exceeds the size limit. A v2 session is closed with 1009.</summary>
    public const string MessageTooLarge = "message_too_large";

    /// <summary>One <c>new</c> holds more events than the bus allows.</summary>
    public const string TooManyEvents = "too_many_events";

    /// <summary>The request needs a registration.</summary>
    public const string NotRegistered = "not_registered";

    /// <summary>The session has not said who it is.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>The session may not do this.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>The session asks for more than its rate.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The store failed; nothing of the message was stored.</summary>
    public const string StoreUnavailable = "store_unavailable";

    /// <summary>The request names another log than the one the bus has.</summary>
    public const string LogChanged = "log_changed";

    /// <summary>The request names a position beyond the head of the log.</summary>
    public const string PositionAhead = "position_ahead";

    /// <summary>The bus is stopping.</summary>
    public const string ShuttingDown = "shutting_down";

    /// <summary>A defect of the bus.</summary>
    public const string Internal = "internal";
}

/// <summary>The reasons a rejected receipt carries. They are stable.</summary>
public static class RejectReasons
{
    /// <summary>An id of the batch other than its first is stored already, or comes twice.</summary>
    public const string EventIdConflict = "event_id_conflict";

    /// <summary>Another event of the same atomic batch was not acceptable.</summary>
    public const string AtomicBatchFailed = "atomic_batch_failed";

    /// <summary>A key the batch only read has moved on.</summary>
    public const string ExpectFailed = "expect_failed";

    /// <summary>The key has taken value 4294967295 and ends there.</summary>
    public const string KeyExhausted = "key_exhausted";
}
