using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>What every message has at its top level, whatever else it is: its type and perhaps a request id.</summary>
/// <param name="MessageType">Its type.</param>
/// <param name="RequestId">Its request id, if it has a fit one.</param>
/// <param name="RequestIdFault">What is wrong with its request id, or null. (In v1 there is no such field, so nothing can be.)</param>
internal readonly record struct MessageEnvelope(string MessageType, string? RequestId, string? RequestIdFault)
{
    private enum Field
    {
        Other,
        Type,
        RequestId,
    }

    /// <summary>Reads a message once from its beginning to its end: whether it is JSON at all, and what its envelope is. Fields may stand in any order.</summary>
    /// <exception cref="ProtocolException">It is not JSON as <see cref="StrictJson"/> demands; else, it is no object with one type.</exception>
    public static MessageEnvelope Find(ReadOnlySpan<byte> utf8)
    {
        var reader = StrictJson.Open(utf8, WireNames.MaxDepth);
        var found = default(Findings);
        try
        {
            var field = Field.Other;
            while (reader.Read())
            {
                StrictJson.RequireSoundToken(in reader);
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
                {
                    field = reader.ValueTextEquals("message_type"u8) ? Field.Type : reader.ValueTextEquals("request_id"u8) ? Field.RequestId : Field.Other;
                }
                else if (reader.CurrentDepth == 0)
                {
                    found.IsObject = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.EndObject;
                }
                else if (field != Field.Other)
                {
                    found.Take(field, ref reader);
                    field = Field.Other;
                }
            }
        }
        catch (JsonException e)
        {
            throw StrictJson.Fault(utf8, e);
        }

        return found.ToEnvelope();
    }

    /// <summary>The type if it is the first field, else null. Nothing else is looked at but that the text is UTF-8.</summary>
    public static string? FirstType(ReadOnlySpan<byte> utf8)
    {
        var reader = StrictJson.Open(utf8, WireNames.MaxDepth);
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName
                && reader.ValueTextEquals("message_type"u8) && reader.Read() && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped
                ? NameOf(ref reader)
                : null;
        }
        catch (JsonException)
        {
            return null; // who reads all of it says what is wrong
        }
    }

    // Those that come by the thousand.
    private static string NameOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("new"u8) ? "new"
        : reader.ValueTextEquals("receipt"u8) ? "receipt"
        : reader.ValueTextEquals("ack"u8) ? "ack"
        : reader.ValueTextEquals("events"u8) ? "events"
        : reader.GetString()!;

    /// <summary>What was found. That a text is no JSON is told before anything else that is wrong with it, so faults wait for its end.</summary>
    private struct Findings
    {
        private string? _type;
        private string? _typeFault;
        private string? _requestId;
        private string? _requestIdFault;

        public bool IsObject { get; set; }

        public void Take(Field field, ref Utf8JsonReader reader)
        {
            var isString = reader.TokenType == JsonTokenType.String;
            if (field == Field.RequestId)
            {
                _requestId = isString ? reader.GetString() : null;
                _requestIdFault ??= FaultOf(_requestId);
            }
            else if (_type is not null)
            {
                _typeFault ??= "message_type is given twice.";
            }
            else if (isString)
            {
                _type = NameOf(ref reader);
            }
            else
            {
                _typeFault ??= "message_type must be a string.";
            }
        }

        public readonly MessageEnvelope ToEnvelope()
        {
            if (!IsObject)
                throw new ProtocolException(ErrorCodes.InvalidMessage, "A message must be a JSON object.");
            if (_typeFault is not null || _type is null)
                throw new ProtocolException(ErrorCodes.InvalidMessage, _typeFault ?? "message_type is missing.", "$.message_type");
            return new MessageEnvelope(_type, _requestIdFault is null ? _requestId : null, _requestIdFault);
        }

        private static string? FaultOf(string? requestId) => requestId switch
        {
            null => "$.request_id must be a string.",
            { Length: > WireNames.MaxRequestIdLength } => $"$.request_id must have at most {WireNames.MaxRequestIdLength} characters.",
            _ => null,
        };
    }
}
