using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>Prints what a client sends.</summary>
public static class ClientMessageWriter
{
    /// <summary>Prints one message of v2. (What goes to an original bus: <see cref="V1ClientMessageWriter"/>.)</summary>
    /// <exception cref="ArgumentException">The message is no v2 message.</exception>
    public static void Write(ClientMessage message, IBufferWriter<byte> output)
    {
        var json = JsonOutput.Begin(output);
        json.WriteStartObject();
        switch (message)
        {
            case NewMessage m: WriteNew(json, m); break;
            case RegisterMessage m: WriteRegister(json, m); break;
            case AckMessage m: WriteAck(json, m); break;
            case NackMessage m: WriteNack(json, m); break;
            case ExtendMessage m: WriteExtend(json, m); break;
            case UnregisterMessage m: WriteUnregister(json, m); break;
            case QueryMessage m: WriteQuery(json, m); break;
            case MoreMessage m: WriteMore(json, m); break;
            case CancelMessage m: WriteCancel(json, m); break;
            case SequenceMessage m: WriteSequence(json, m); break;
            default: throw new ArgumentException($"{message.GetType().Name} is no message of v2.", nameof(message));
        }

        json.WriteEndObject();
        JsonOutput.End(json);
    }

    private static void WriteNew(Utf8JsonWriter json, NewMessage message)
    {
        json.WriteString("message_type"u8, "new"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        if (message.Atomic)
            json.WriteBoolean("atomic"u8, true);
        if (message.Expect is { } expect)
            json.WriteLastValues("expect"u8, expect);
        json.WriteStartArray("events"u8);
        for (var i = 0; i < message.Events.Count; i++)
            WriteEvent(json, message.Events[i]); // without an enumerator, because mostly there is one
        json.WriteEndArray();
    }

    private static void WriteEvent(Utf8JsonWriter json, NewEvent e)
    {
        json.WriteStartObject();
        json.WriteConsistency(e);
        json.WriteNumber("correlation_id"u8, e.CorrelationId);
        json.WriteString("event_type"u8, e.EventType);
        json.WriteOptional("event_id"u8, e.EventId);
        json.WriteOptional("traceparent"u8, e.TraceParent);
        json.WriteOptional("tracestate"u8, e.TraceState);
        json.WriteOptional("content_type"u8, e.ContentType);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(e.Data.Span, skipInputValidation: true);
        json.WriteEndObject();
    }

    private static void WriteRegister(Utf8JsonWriter json, RegisterMessage message)
    {
        json.WriteString("message_type"u8, "register"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteString("client_type"u8, message.ClientType);
        json.WriteStrings("event_types"u8, message.EventTypes);
        json.WriteOptional("instance"u8, message.Instance);
        json.WriteOptional("max_in_flight"u8, message.MaxInFlight);
        json.WriteOptional("max_in_flight_per_key"u8, message.MaxInFlightPerKey);
        switch (message.Start)
        {
            case null:
                break;
            case { Position: { } position }:
                json.WriteStartObject("start"u8);
                json.WriteNumber("position"u8, position);
                json.WriteString("log_id"u8, message.Start.LogId);
                json.WriteEndObject();
                break;
            default:
                json.WriteString("start"u8, message.Start.IsEarliest ? "earliest"u8 : "latest"u8);
                break;
        }
    }

    private static void WriteAck(Utf8JsonWriter json, AckMessage message)
    {
        json.WriteString("message_type"u8, "ack"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteOptional("up_to"u8, message.UpTo);
        if (message.Deliveries is { } deliveries)
            json.WriteNumbers("deliveries"u8, deliveries);
    }

    private static void WriteNack(Utf8JsonWriter json, NackMessage message)
    {
        json.WriteString("message_type"u8, "nack"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteNumber("delivery"u8, message.Delivery);
        json.WriteOptional("delay_ms"u8, message.DelayMs);
        json.WriteOptional("reason"u8, message.Reason);
        if (message.DeadLetter)
            json.WriteBoolean("dead_letter"u8, true);
    }

    private static void WriteExtend(Utf8JsonWriter json, ExtendMessage message)
    {
        json.WriteString("message_type"u8, "extend"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteNumbers("deliveries"u8, message.Deliveries);
        json.WriteNumber("ms"u8, message.Ms);
    }

    private static void WriteUnregister(Utf8JsonWriter json, UnregisterMessage message)
    {
        json.WriteString("message_type"u8, "unregister"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteBoolean("drain"u8, message.Drain);
    }

    private static void WriteQuery(Utf8JsonWriter json, QueryMessage message)
    {
        json.WriteString("message_type"u8, "query"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        if (message.EventTypes is { } types)
            json.WriteStrings("event_types"u8, types);
        if (message.Since is { } since)
            json.WriteString("since"u8, since.ToString("O", CultureInfo.InvariantCulture));
        json.WriteOptional("log_id"u8, message.LogId);
        json.WriteOptional("after"u8, message.After);
        json.WriteOptional("until"u8, message.Until);
        if (message.Keys is { } keys)
            json.WriteStrings("keys"u8, keys);
        if (message.EventIds is { } ids)
        {
            json.WriteStartArray("event_ids"u8);
            foreach (var id in ids)
                json.WriteStringValue(id);
            json.WriteEndArray();
        }

        json.WriteOptional("correlation_id"u8, message.CorrelationId);
        json.WriteOptional("limit"u8, message.Limit);
        json.WriteOptional("page_size"u8, message.PageSize);
        json.WriteOptional("credit"u8, message.Credit);
        if (message.Descending)
            json.WriteString("order"u8, "desc"u8);
        if (message.Follow)
            json.WriteBoolean("follow"u8, true);
    }

    private static void WriteMore(Utf8JsonWriter json, MoreMessage message)
    {
        json.WriteString("message_type"u8, "more"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteNumber("pages"u8, message.Pages);
    }

    private static void WriteCancel(Utf8JsonWriter json, CancelMessage message)
    {
        json.WriteString("message_type"u8, "cancel"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
    }

    private static void WriteSequence(Utf8JsonWriter json, SequenceMessage message)
    {
        json.WriteString("message_type"u8, "sequence"u8);
        json.WriteOptional("request_id"u8, message.RequestId);
        json.WriteStrings("keys"u8, message.Keys);
    }
}
