namespace Sequent.Protocol;

/// <summary>Reads events as the bus sends them: <c>event</c>, <c>events</c> and <c>rebuild</c>. In v1 their session is a number and their time whole seconds.</summary>
internal static class EventReader
{
    // What a DateTimeOffset holds.
    private static readonly long MaxSeconds = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    // Mostly the same as of the event before.
    [ThreadStatic]
    private static string? _lastSender;

    [ThreadStatic]
    private static string? _lastEventType;

    public static List<DeliveredEvent> ReadDeliveries(ref FieldReader fields)
    {
        List<DeliveredEvent>? events = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("events"u8, "events", ref seen, 0))
            {
                events = [];
                var array = fields.EnterArray();
                while (fields.NextItem(array, events.Count))
                    events.Add(ReadDelivered(ref fields));
                fields.LeaveArray(array);
            }
            else
            {
                fields.SkipField();
            }
        }

        return events ?? throw fields.Missing("events");
    }

    public static RebuildMessage ReadRebuild(ref FieldReader fields)
    {
        List<WireEvent>? events = null;
        string? requestId = null;
        long position = 0;
        var last = false;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("events"u8, "events", ref seen, 0))
            {
                events = [];
                var array = fields.EnterArray();
                while (fields.NextItem(array, events.Count))
                    events.Add(ReadDelivered(ref fields).Event);
                fields.LeaveArray(array);
            }
            else if (fields.Is("request_id"u8, "request_id", ref seen, 1))
            {
                requestId = fields.StringOrNull();
            }
            else if (fields.Is("position"u8, "position", ref seen, 2))
            {
                position = fields.Integer(0, WireNames.MaxInteger);
            }
            else if (fields.Is("last"u8, "last", ref seen, 3))
            {
                last = fields.Boolean();
            }
            else
            {
                fields.SkipField();
            }
        }

        return new RebuildMessage(events ?? throw fields.Missing("events")) { RequestId = requestId, Position = position, Last = last };
    }

    /// <summary>Reads one event; the fields of a delivery are absent from a rebuild and keep their defaults there.</summary>
    public static DeliveredEvent ReadDelivered(ref FieldReader fields)
    {
        (string Key, uint? Value)? consistency = null;
        uint correlationId = 0;
        ReadOnlyMemory<byte>? data = null;
        string? eventType = null, traceParent = null, traceState = null, contentType = null;
        string sender = "";
        ulong sessionId = 0;
        DateTimeOffset? time = null;
        long? seconds = null;
        long position = 0, delivery = 0;
        Guid? eventId = null;
        var attempt = 1;
        bool redelivered = false, redriven = false;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("consistency"u8, "consistency", ref seen, 0))
                consistency = NewReader.ReadConsistency(ref fields);
            else if (fields.Is("correlation_id"u8, "correlation_id", ref seen, 1))
                correlationId = fields.UInt32();
            else if (fields.Is("data"u8, "data", ref seen, 2))
                data = fields.Raw();
            else if (fields.Is("event_type"u8, "event_type", ref seen, 3))
                eventType = fields.String(ref _lastEventType);
            else if (fields.Is("sender"u8, "sender", ref seen, 4))
                sender = fields.String(ref _lastSender);
            else if (fields.Is("session_id"u8, "session_id", ref seen, 5))
                sessionId = fields.UInt64();
            else if (fields.Is("time"u8, "time", ref seen, 6))
                time = fields.Time();
            else if (fields.Is("timestamp_raw"u8, "timestamp_raw", ref seen, 16))
                seconds = fields.Integer(0, MaxSeconds);
            else if (fields.Is("position"u8, "position", ref seen, 7))
                position = fields.Integer(1, WireNames.MaxInteger);
            else if (fields.Is("event_id"u8, "event_id", ref seen, 8))
                eventId = fields.Token == System.Text.Json.JsonTokenType.Null ? null : fields.Uuid();
            else if (fields.Is("traceparent"u8, "traceparent", ref seen, 9))
                traceParent = fields.StringOrNull();
            else if (fields.Is("tracestate"u8, "tracestate", ref seen, 10))
                traceState = fields.StringOrNull();
            else if (fields.Is("content_type"u8, "content_type", ref seen, 11))
                contentType = fields.StringOrNull();
            else if (fields.Is("delivery"u8, "delivery", ref seen, 12))
                delivery = fields.Integer(1, WireNames.MaxInteger);
            else if (fields.Is("attempt"u8, "attempt", ref seen, 13))
                attempt = (int)fields.Integer(1, int.MaxValue);
            else if (fields.Is("redelivered"u8, "redelivered", ref seen, 14))
                redelivered = fields.Boolean();
            else if (fields.Is("redriven"u8, "redriven", ref seen, 15))
                redriven = fields.Boolean();
            else
                fields.SkipField();
        }

        var (key, value) = consistency ?? throw fields.Missing("consistency");
        var wire = new WireEvent(key, value ?? throw fields.Missing("consistency.value"), correlationId, eventType ?? throw fields.Missing("event_type"), data ?? throw fields.Missing("data"))
        {
            Sender = sender,
            SessionId = sessionId,
            Time = time ?? (seconds is { } whole ? DateTimeOffset.FromUnixTimeSeconds(whole) : default),
            Position = position,
            EventId = eventId,
            TraceParent = traceParent,
            TraceState = traceState,
            ContentType = contentType,
        };
        fields.LeaveObject(outer);
        return new DeliveredEvent(wire, delivery, attempt, redelivered) { Redriven = redriven };
    }
}
