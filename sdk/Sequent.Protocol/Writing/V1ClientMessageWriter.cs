using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>Prints what a client sends to a bus of the original protocol: exactly its fields, and nothing of v2.</summary>
public static class V1ClientMessageWriter
{
    /// <summary>Prints one message. Of what v2 adds to a message nothing is printed.</summary>
    /// <exception cref="ArgumentException">The original protocol has no such message.</exception>
    public static void Write(ClientMessage message, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        switch (message)
        {
            case NewMessage m: WriteNew(json, m); break;
            case RegisterMessage m: WriteRegister(json, m); break;
            case QueryMessage m: WriteQuery(json, m); break;
            case EventAckMessage { Event.IsEmpty: false } m: WriteAck(json, m); break;
            default: throw new ArgumentException($"{message.GetType().Name} is no message of v1.", nameof(message));
        }
    }

    private static void WriteNew(Utf8JsonWriter json, NewMessage message)
    {
        json.WriteStartObject();
        json.WriteStartArray("events"u8);
        foreach (var e in message.Events)
        {
            json.WriteStartObject();
            json.WriteConsistency(e);
            json.WriteNumber("correlation_id"u8, e.CorrelationId);
            json.WritePropertyName("data"u8);
            json.WriteRawValue(e.Data.Span, skipInputValidation: true);
            json.WriteString("event_type"u8, e.EventType);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("message_type"u8, "new"u8);
        json.WriteEndObject();
    }

    private static void WriteRegister(Utf8JsonWriter json, RegisterMessage message)
    {
        json.WriteStartObject();
        json.WriteString("client_type"u8, message.ClientType);
        json.WriteStrings("event_types"u8, message.EventTypes);
        json.WriteString("message_type"u8, "register"u8);
        json.WriteEndObject();
    }

    /// <summary>Its times are whole seconds, and it asks for those after one.</summary>
    private static void WriteQuery(Utf8JsonWriter json, QueryMessage message)
    {
        json.WriteStartObject();
        json.WriteStrings("event_types"u8, message.EventTypes ?? []);
        json.WriteString("message_type"u8, "query"u8);
        json.WriteString("since"u8, message.Since?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "*");
        json.WriteEndObject();
    }

    /// <summary>The original bus compares every field of the event, so they go back as they came.</summary>
    private static void WriteAck(Utf8JsonWriter json, EventAckMessage message)
    {
        using var e = JsonDocument.Parse(message.Event, new JsonDocumentOptions { MaxDepth = WireNames.MaxDepth });
        json.WriteStartObject();
        foreach (var field in e.RootElement.EnumerateObject())
        {
            json.WritePropertyName(field.Name);
            if (field.NameEquals("message_type"u8))
                json.WriteStringValue("ack"u8);
            else
                json.WriteRawValue(field.Value.GetRawText(), skipInputValidation: true);
        }

        json.WriteEndObject();
    }
}
