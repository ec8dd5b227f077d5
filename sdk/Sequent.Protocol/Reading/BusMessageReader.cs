using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>Reads what the bus sends, in v2 or in v1. Unknown fields and unknown message types are ignored, so that a newer bus can add to them.</summary>
public static class BusMessageReader
{
    /// <summary>
    /// Reads one message, or returns null if its type is unknown. Where the type is the first field, as the bus prints it, data and unknown fields are looked at only as far as
    /// it takes to find their ends: whoever reads them finds what else is wrong with them.
    /// </summary>
    /// <param name="utf8">The message. The data of its events are slices of it, so it must not be reused.</param>
    /// <exception cref="ProtocolException">The message is not what the protocol says.</exception>
    public static BusMessage? Read(ReadOnlyMemory<byte> utf8)
    {
        if (MessageEnvelope.FirstType(utf8.Span) is not { } type)
            return Read(MessageEnvelope.Find(utf8.Span).MessageType, utf8);
        try
        {
            // The bus prints the type first, so mostly one pass does for everything.
            return Read(type, utf8);
        }
        catch (JsonException e)
        {
            throw StrictJson.Fault(utf8.Span, e);
        }
        catch (InvalidOperationException)
        {
            throw new ProtocolException(ErrorCodes.MalformedJson, "Malformed JSON: the escape of a surrogate stands alone.");
        }
    }

    private static BusMessage? Read(string type, ReadOnlyMemory<byte> utf8)
    {
        var fields = new FieldReader(utf8);
        var message = Read(type, ref fields);
        if (message is not null)
            fields.End();
        return message;
    }

    private static BusMessage? Read(string type, ref FieldReader fields)
    {
        if (type == "event")
            return new EventsMessage([EventReader.ReadDelivered(ref fields)]);
        fields.EnterObject();
        return type switch
        {
            "events" => new EventsMessage(EventReader.ReadDeliveries(ref fields)),
            "receipt" => ReceiptReader.Read(ref fields),
            "rebuild" => EventReader.ReadRebuild(ref fields),
            "hello" => ReadHello(ref fields),
            "registration" => ReadRegistration(ref fields),
            "unregistered" => ReadUnregistered(ref fields),
            "draining" => new DrainingMessage(),
            "revoked" => ReadRevoked(ref fields),
            "caught_up" => ReadCaughtUp(ref fields),
            "sequences" => ReadSequences(ref fields),
            "error" => ReadError(ref fields),
            _ => null,
        };
    }

    private static HelloMessage ReadHello(ref FieldReader fields)
    {
        string version = "", logId = "", sessionId = "";
        long position = 0, keepAliveMs = 0;
        BusLimits? limits = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("version"u8, "version", ref seen, 0))
                version = fields.String();
            else if (fields.Is("log_id"u8, "log_id", ref seen, 1))
                logId = fields.String();
            else if (fields.Is("session_id"u8, "session_id", ref seen, 2))
                sessionId = fields.String();
            else if (fields.Is("position"u8, "position", ref seen, 3))
                position = fields.Integer(0, WireNames.MaxInteger);
            else if (fields.Is("limits"u8, "limits", ref seen, 4))
                limits = ReadLimits(ref fields);
            else if (fields.Is("keep_alive_ms"u8, "keep_alive_ms", ref seen, 5))
                keepAliveMs = fields.Integer(0, WireNames.MaxInteger);
            else
                fields.SkipField();
        }

        return new HelloMessage(version, logId, sessionId, position, limits ?? throw fields.Missing("limits"), keepAliveMs);
    }

    private static BusLimits ReadLimits(ref FieldReader fields)
    {
        int messageBytes = 0, eventsPerMessage = 0, queryPage = 0, keyBytes = 0, eventTypeBytes = 0;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("message_bytes"u8, "message_bytes", ref seen, 0))
                messageBytes = (int)fields.Integer(0, int.MaxValue);
            else if (fields.Is("events_per_message"u8, "events_per_message", ref seen, 1))
                eventsPerMessage = (int)fields.Integer(0, int.MaxValue);
            else if (fields.Is("query_page"u8, "query_page", ref seen, 2))
                queryPage = (int)fields.Integer(0, int.MaxValue);
            else if (fields.Is("key_bytes"u8, "key_bytes", ref seen, 3))
                keyBytes = (int)fields.Integer(0, int.MaxValue);
            else if (fields.Is("event_type_bytes"u8, "event_type_bytes", ref seen, 4))
                eventTypeBytes = (int)fields.Integer(0, int.MaxValue);
            else
                fields.SkipField();
        }

        fields.LeaveObject(outer);
        return new BusLimits(messageBytes, eventsPerMessage, queryPage, keyBytes, eventTypeBytes);
    }

    private static RegistrationMessage ReadRegistration(ref FieldReader fields)
    {
        string? clientType = null, requestId = null;
        List<string>? eventTypes = null;
        bool? known = null;
        long? cursor = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("client_type"u8, "client_type", ref seen, 0))
                clientType = fields.String();
            else if (fields.Is("event_types"u8, "event_types", ref seen, 1))
                eventTypes = fields.Strings();
            else if (fields.Is("known"u8, "known", ref seen, 2))
                known = fields.Boolean();
            else if (fields.Is("cursor"u8, "cursor", ref seen, 3))
                cursor = fields.Integer(0, WireNames.MaxInteger);
            else if (fields.Is("request_id"u8, "request_id", ref seen, 4))
                requestId = fields.StringOrNull();
            else
                fields.SkipField();
        }

        return new RegistrationMessage(clientType ?? throw fields.Missing("client_type"), eventTypes ?? throw fields.Missing("event_types"))
        {
            RequestId = requestId,
            Known = known,
            Cursor = cursor,
        };
    }

    private static UnregisteredMessage ReadUnregistered(ref FieldReader fields)
    {
        string? clientType = null, requestId = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("client_type"u8, "client_type", ref seen, 0))
                clientType = fields.String();
            else if (fields.Is("request_id"u8, "request_id", ref seen, 1))
                requestId = fields.StringOrNull();
            else
                fields.SkipField();
        }

        return new UnregisteredMessage(clientType ?? throw fields.Missing("client_type")) { RequestId = requestId };
    }

    private static RevokedMessage ReadRevoked(ref FieldReader fields)
    {
        List<long>? deliveries = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("deliveries"u8, "deliveries", ref seen, 0))
                deliveries = fields.Integers(1, WireNames.MaxInteger);
            else
                fields.SkipField();
        }

        return new RevokedMessage(deliveries ?? throw fields.Missing("deliveries"));
    }

    private static CaughtUpMessage ReadCaughtUp(ref FieldReader fields)
    {
        string? requestId = null;
        long? position = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                requestId = fields.String();
            else if (fields.Is("position"u8, "position", ref seen, 1))
                position = fields.Integer(0, WireNames.MaxInteger);
            else
                fields.SkipField();
        }

        return new CaughtUpMessage(requestId ?? throw fields.Missing("request_id"), position ?? throw fields.Missing("position"));
    }

    private static SequencesMessage ReadSequences(ref FieldReader fields)
    {
        string? requestId = null;
        Dictionary<string, uint?>? values = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                requestId = fields.String();
            else if (fields.Is("values"u8, "values", ref seen, 1))
                values = fields.LastValues();
            else
                fields.SkipField();
        }

        return new SequencesMessage(requestId ?? throw fields.Missing("request_id"), values ?? throw fields.Missing("values"));
    }

    private static ErrorMessage ReadError(ref FieldReader fields)
    {
        string code = ErrorCodes.Internal, message = "";
        string? requestId = null, path = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("code"u8, "code", ref seen, 0))
                code = fields.String();
            else if (fields.Is("message"u8, "message", ref seen, 1))
                message = fields.String();
            else if (fields.Is("request_id"u8, "request_id", ref seen, 2))
                requestId = fields.StringOrNull();
            else if (fields.Is("path"u8, "path", ref seen, 3))
                path = fields.StringOrNull();
            else
                fields.SkipField();
        }

        return new ErrorMessage(code, message) { RequestId = requestId, Path = path };
    }
}
