namespace Sequent.Protocol;

/// <summary>Reads <c>new</c>.</summary>
internal static class NewReader
{
    // Mostly the same as of the event before.
    [ThreadStatic]
    private static string? _lastEventType;

    public static NewMessage Read(ref FieldReader fields, bool isV2)
    {
        List<NewEvent>? events = null;
        string? requestId = null;
        var atomic = false;
        Dictionary<string, uint?>? expect = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("events"u8, "events", ref seen, 0))
                events = ReadEvents(ref fields, isV2);
            else if (isV2 && fields.Is("request_id"u8, "request_id", ref seen, 1))
                requestId = fields.String();
            else if (isV2 && fields.Is("atomic"u8, "atomic", ref seen, 2))
                atomic = fields.Boolean();
            else if (isV2 && fields.Is("expect"u8, "expect", ref seen, 3))
                expect = fields.LastValues();
            else
                fields.SkipField();
        }

        if (events is null)
            throw fields.Missing("events");
        if (expect is { Count: > 0 })
            CheckExpect(events, atomic, expect);
        return new NewMessage(events) { RequestId = requestId, Atomic = atomic, Expect = expect is { Count: > 0 } ? expect : null };
    }

    private static void CheckExpect(List<NewEvent> events, bool atomic, Dictionary<string, uint?> expect)
    {
        if (!atomic || events.Count == 0)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "expect needs an atomic batch with events.", "$.expect");
        foreach (var e in events)
        {
            if (expect.ContainsKey(e.Key))
                throw new ProtocolException(ErrorCodes.InvalidMessage, $"The key '{Shortened.Of(e.Key)}' is both expected and appended to; give its event an explicit value instead.", "$.expect");
        }
    }

    private static List<NewEvent> ReadEvents(ref FieldReader fields, bool isV2)
    {
        var events = new List<NewEvent>();
        var array = fields.EnterArray();
        while (fields.NextItem(array, events.Count))
            events.Add(ReadEvent(ref fields, isV2));
        fields.LeaveArray(array);
        return events;
    }

    private static NewEvent ReadEvent(ref FieldReader fields, bool isV2)
    {
        (string Key, uint? Value)? consistency = null;
        uint? correlationId = null;
        ReadOnlyMemory<byte>? data = null;
        string? eventType = null, traceParent = null, traceState = null, contentType = null;
        Guid? eventId = null;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("consistency"u8, "consistency", ref seen, 0))
                consistency = ReadConsistency(ref fields);
            else if (fields.Is("correlation_id"u8, "correlation_id", ref seen, 1))
                correlationId = fields.UInt32();
            else if (fields.Is("data"u8, "data", ref seen, 2))
                data = fields.Raw();
            else if (fields.Is("event_type"u8, "event_type", ref seen, 3))
                eventType = fields.String(ref _lastEventType);
            else if (isV2 && fields.Is("event_id"u8, "event_id", ref seen, 4))
                eventId = fields.Uuid();
            else if (isV2 && fields.Is("traceparent"u8, "traceparent", ref seen, 5))
                traceParent = fields.Text(WireNames.MaxTraceParentLength);
            else if (isV2 && fields.Is("tracestate"u8, "tracestate", ref seen, 6))
                traceState = fields.Text(WireNames.MaxTraceStateLength);
            else if (isV2 && fields.Is("content_type"u8, "content_type", ref seen, 7))
                contentType = fields.Text(WireNames.MaxContentTypeLength);
            else
                fields.SkipField();
        }

        var (key, value) = consistency ?? throw fields.Missing("consistency");
        var result = new NewEvent(
            key, value,
            correlationId ?? throw fields.Missing("correlation_id"),
            eventType ?? throw fields.Missing("event_type"),
            data ?? throw fields.Missing("data"))
        {
            EventId = eventId,
            TraceParent = traceParent,
            TraceState = traceState,
            ContentType = contentType,
        };
        fields.LeaveObject(outer);
        return result;
    }

    /// <summary>The sequence pair. A missing value means the next one, as <c>"*"</c> does.</summary>
    internal static (string Key, uint? Value) ReadConsistency(ref FieldReader fields)
    {
        string? key = null;
        uint? value = null;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("key"u8, "key", ref seen, 0))
                key = fields.String();
            else if (fields.Is("value"u8, "value", ref seen, 1))
                value = fields.SequenceValue();
            else
                fields.SkipField();
        }

        var result = (key ?? throw fields.Missing("key"), value);
        fields.LeaveObject(outer);
        return result;
    }
}
