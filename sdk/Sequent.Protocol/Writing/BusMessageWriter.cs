using System.Buffers;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>Prints what the bus sends, except events, which are printed once and shared (see <see cref="EventWriter"/>).</summary>
public static class BusMessageWriter
{
    /// <summary>Prints <c>hello</c>.</summary>
    public static void Write(HelloMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("hello"u8, output);
        json.WriteString("version"u8, message.Version);
        json.WriteString("log_id"u8, message.LogId);
        json.WriteString("session_id"u8, message.SessionId);
        json.WriteNumber("position"u8, message.Position);
        json.WriteStartObject("limits"u8);
        json.WriteNumber("message_bytes"u8, message.Limits.MessageBytes);
        json.WriteNumber("events_per_message"u8, message.Limits.EventsPerMessage);
        json.WriteNumber("query_page"u8, message.Limits.QueryPage);
        json.WriteNumber("key_bytes"u8, message.Limits.KeyBytes);
        json.WriteNumber("event_type_bytes"u8, message.Limits.EventTypeBytes);
        json.WriteEndObject();
        json.WriteNumber("keep_alive_ms"u8, message.KeepAliveMs);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>registration</c>; in v1 its optional fields are null and so absent.</summary>
    public static void Write(RegistrationMessage message, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        json.WriteString("client_type"u8, message.ClientType);
        json.WriteStrings("event_types"u8, message.EventTypes);
        json.WriteString("message_type"u8, "registration"u8);
        if (message.Known is { } known)
            json.WriteBoolean("known"u8, known);
        json.WriteOptional("cursor"u8, message.Cursor);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>receipt</c>. A checksum is printed where an entry has one, everything else of v2 likewise.</summary>
    public static void Write(ReceiptMessage message, IBufferWriter<byte> output)
    {
        var json = Begin("receipt"u8, JsonOutput.Begin(output));
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteStartArray("receipts"u8);
        foreach (var entry in message.Receipts)
            WriteEntry(json, entry);
        json.WriteEndArray();
        json.WriteString("sender"u8, message.Sender);
        json.WriteString("timestamp"u8, message.Timestamp);
        json.WriteEndObject();
        JsonOutput.End(json);
    }

    /// <summary>Prints <c>unregistered</c>.</summary>
    public static void Write(UnregisteredMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("unregistered"u8, output);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteString("client_type"u8, message.ClientType);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>draining</c>.</summary>
    public static void Write(DrainingMessage message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(message);
        using var json = Begin("draining"u8, output);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>revoked</c>.</summary>
    public static void Write(RevokedMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("revoked"u8, output);
        json.WriteNumbers("deliveries"u8, message.Deliveries);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>caught_up</c>.</summary>
    public static void Write(CaughtUpMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("caught_up"u8, output);
        json.WriteString("request_id"u8, message.RequestId);
        json.WriteNumber("position"u8, message.Position);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>sequences</c>.</summary>
    public static void Write(SequencesMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("sequences"u8, output);
        json.WriteString("request_id"u8, message.RequestId);
        json.WriteLastValues("values"u8, message.Values);
        json.WriteEndObject();
    }

    /// <summary>Prints <c>error</c>.</summary>
    public static void Write(ErrorMessage message, IBufferWriter<byte> output)
    {
        using var json = Begin("error"u8, output);
        json.WriteString("code"u8, message.Code);
        json.WriteString("message"u8, message.Message);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteOptional("path"u8, message.Path);
        json.WriteEndObject();
    }

    /// <summary>Opens a v2 <c>rebuild</c> page; events follow, separated by commas, then <see cref="EndRebuild"/>.</summary>
    public static void BeginRebuild(string? requestId, IBufferWriter<byte> output)
    {
        output.Write("{\"message_type\":\"rebuild\","u8);
        if (requestId is not null)
        {
            output.Write("\"request_id\":\""u8);
            output.Write(JsonEncodedText.Encode(requestId).EncodedUtf8Bytes);
            output.Write("\","u8);
        }

        output.Write("\"events\":["u8);
    }

    /// <summary>Closes a v2 <c>rebuild</c> page.</summary>
    public static void EndRebuild(long position, bool last, IBufferWriter<byte> output)
    {
        output.Write("],\"position\":"u8);
        EventWriter.WriteNumber(output, position);
        output.Write(last ? ",\"last\":true}"u8 : ",\"last\":false}"u8);
    }

    private static Utf8JsonWriter Begin(ReadOnlySpan<byte> messageType, IBufferWriter<byte> output) => Begin(messageType, JsonOutput.To(output));

    private static Utf8JsonWriter Begin(ReadOnlySpan<byte> messageType, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("message_type"u8, messageType);
        return json;
    }

    private static void WriteEntry(Utf8JsonWriter json, ReceiptEntry entry)
    {
        json.WriteStartObject();
        json.WriteOptional("checksum"u8, entry.Checksum);
        json.WriteString("status"u8, entry.Status switch
        {
            ReceiptStatus.Success => "success"u8,
            ReceiptStatus.Inconsistent => "inconsistent"u8,
            ReceiptStatus.Duplicate => "duplicate"u8,
            _ => "rejected"u8,
        });
        json.WriteOptional("key"u8, entry.Key);
        json.WriteOptional("value"u8, entry.Value);
        json.WriteOptional("position"u8, entry.Position);
        json.WriteOptional("event_id"u8, entry.EventId);
        json.WriteOptional("event_type"u8, entry.EventType);
        json.WriteOptional("expected"u8, entry.Expected);
        json.WriteOptional("reason"u8, entry.Reason);
        if (entry.Expect is { } expect)
            json.WriteLastValues("expect"u8, expect);
        json.WriteEndObject();
    }
}
