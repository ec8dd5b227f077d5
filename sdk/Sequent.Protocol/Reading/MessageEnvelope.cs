using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>What every message has at its top level, whatever else it is: its type and perhaps a request id.</summary>
/// <param name="MessageType">Its type.</param>
/// <param name="RequestId">Its request id, if it has a fit one.</param>
/// <param name="RequestIdFault">What is wrong with its request id, or null. (In v1 there is no such field, so nothing can be.)</param>
internal readonly record struct MessageEnvelope(string MessageType, string? RequestId, string? RequestIdFault)
{
    /// <summary>Finds the envelope of a text that is known to be valid JSON. Fields may stand in any order.</summary>
    public static MessageEnvelope Find(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = WireNames.MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "A message must be a JSON object.");

        string? type = null, requestId = null, requestIdFault = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("message_type"u8);
            var isRequestId = !isType && reader.ValueTextEquals("request_id"u8);
            reader.Read();
            if (isType)
            {
                if (type is not null)
                    throw new ProtocolException(ErrorCodes.InvalidMessage, "message_type is given twice.", "$.message_type");
                if (reader.TokenType != JsonTokenType.String)
                    throw new ProtocolException(ErrorCodes.InvalidMessage, "message_type must be a string.", "$.message_type");
                type = reader.GetString();
            }
            else if (isRequestId)
            {
                requestId = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                requestIdFault ??= FaultOf(requestId);
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return type is not null
            ? new MessageEnvelope(type, requestIdFault is null ? requestId : null, requestIdFault)
            : throw new ProtocolException(ErrorCodes.InvalidMessage, "message_type is missing.", "$.message_type");
    }

    /// <summary>Finds only the type, of a text that is known to be valid JSON.</summary>
    public static string FindType(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = WireNames.MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "A message must be a JSON object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("message_type"u8);
            reader.Read();
            if (!isType)
                reader.Skip();
            else if (reader.TokenType == JsonTokenType.String)
                return reader.ValueTextEquals("receipt"u8) ? "receipt" : reader.ValueTextEquals("events"u8) ? "events" : reader.GetString()!;
            else
                throw new ProtocolException(ErrorCodes.InvalidMessage, "message_type must be a string.", "$.message_type");
        }

        throw new ProtocolException(ErrorCodes.InvalidMessage, "message_type is missing.", "$.message_type");
    }

    private static string? FaultOf(string? requestId) => requestId switch
    {
        null => "$.request_id must be a string.",
        { Length: > WireNames.MaxRequestIdLength } => $"$.request_id must have at most {WireNames.MaxRequestIdLength} characters.",
        _ => null,
    };
}
