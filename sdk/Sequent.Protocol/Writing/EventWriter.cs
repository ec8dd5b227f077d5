using System.Buffers;
using System.Globalization;

namespace Sequent.Protocol;

/// <summary>
/// Prints stored events. A v2 body is printed once per event and shared by all sessions: it has no closing brace, so that
/// <see cref="AppendDelivery"/> or <see cref="CloseBody"/> can finish it for each of them.
/// </summary>
public static class EventWriter
{
    /// <summary>Prints an event as v1 knows it: fields in alphabetical order, data in its canonical form.</summary>
    /// <param name="e">The event.</param>
    /// <param name="messageType"><c>event</c> or <c>rebuild</c>.</param>
    /// <param name="zone">The zone of the time text; the original used the bus's local one.</param>
    /// <param name="output">Where to print.</param>
    public static void WriteV1(WireEvent e, string messageType, TimeZoneInfo zone, IBufferWriter<byte> output)
    {
        using var canonical = CanonicalWriter.Take();
        var json = JsonOutput.Begin(output);
        json.WriteStartObject();
        WriteCommon(json, e);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(canonical.Run(e.Data.Span), skipInputValidation: true);
        json.WriteString("event_type"u8, e.EventType);
        json.WriteString("message_type"u8, messageType);
        json.WriteString("sender"u8, e.Sender);
        json.WriteNumber("session_id"u8, e.SessionId);
        json.WriteString("timestamp"u8, EventTime.Of(e.Time, zone).Rfc);
        json.WriteNumber("timestamp_raw"u8, e.Time.ToUnixTimeSeconds());
        json.WriteEndObject();
        JsonOutput.End(json);
    }

    /// <summary>Prints an event as v2 knows it, without its closing brace.</summary>
    public static void WriteBody(WireEvent e, TimeZoneInfo zone, IBufferWriter<byte> output)
    {
        var time = EventTime.Of(e.Time, zone);
        Span<byte> sessionId = stackalloc byte[20];
        e.SessionId.TryFormat(sessionId, out var digits, default, CultureInfo.InvariantCulture);
        var json = JsonOutput.Begin(output);
        json.WriteStartObject();
        WriteCommon(json, e);
        json.WriteString("event_type"u8, e.EventType);
        json.WriteNumber("position"u8, e.Position);
        json.WriteOptional("event_id"u8, e.EventId);
        json.WriteString("sender"u8, e.Sender);
        json.WriteString("session_id"u8, sessionId[..digits]);
        json.WriteString("time"u8, time.Iso);
        json.WriteString("timestamp"u8, time.Rfc);
        json.WriteNumber("timestamp_raw"u8, e.Time.ToUnixTimeSeconds());
        json.WriteOptional("traceparent"u8, e.TraceParent);
        json.WriteOptional("tracestate"u8, e.TraceState);
        json.WriteOptional("content_type"u8, e.ContentType);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(e.Data.Span, skipInputValidation: true);
        JsonOutput.End(json);
    }

    /// <summary>Finishes a v2 body as a delivery.</summary>
    public static void AppendDelivery(IBufferWriter<byte> output, ReadOnlySpan<byte> body, long delivery, int attempt, bool redelivered, bool redriven)
    {
        output.Write(body);
        output.Write(",\"delivery\":"u8);
        WriteNumber(output, delivery);
        output.Write(",\"attempt\":"u8);
        WriteNumber(output, attempt);
        output.Write(redelivered ? ",\"redelivered\":true"u8 : ",\"redelivered\":false"u8);
        output.Write(redriven ? ",\"redriven\":true}"u8 : "}"u8);
    }

    /// <summary>Finishes a v2 body as an event of a rebuild.</summary>
    public static void CloseBody(IBufferWriter<byte> output, ReadOnlySpan<byte> body)
    {
        output.Write(body);
        output.Write("}"u8);
    }

    internal static void WriteNumber(IBufferWriter<byte> output, long number)
    {
        var span = output.GetSpan(20);
        number.TryFormat(span, out var written, default, CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private static void WriteCommon(System.Text.Json.Utf8JsonWriter json, WireEvent e)
    {
        json.WriteStartObject("consistency"u8);
        json.WriteString("key"u8, e.Key);
        json.WriteNumber("value"u8, e.Value);
        json.WriteEndObject();
        json.WriteNumber("correlation_id"u8, e.CorrelationId);
    }
}
