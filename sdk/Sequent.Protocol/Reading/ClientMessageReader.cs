namespace Sequent.Protocol;

/// <summary>
/// Reads what clients send, as strictly as the original bus: a known field that is missing, doubled or of a wrong type makes the
/// whole message invalid, unknown fields are ignored, order is free. In v1 every field of v2 is unknown.
/// </summary>
public static class ClientMessageReader
{
    /// <summary>Reads one message.</summary>
    /// <param name="utf8">The message. The <c>data</c> of its events are slices of it, so it must not be reused.</param>
    /// <param name="version">The protocol of the session.</param>
    /// <exception cref="ProtocolException">The message is not acceptable; it must have no effect.</exception>
    public static ClientMessage Read(ReadOnlyMemory<byte> utf8, ProtocolVersion version)
    {
        var envelope = MessageEnvelope.Find(utf8.Span);
        var isV2 = version == ProtocolVersion.V2;
        if (isV2 && envelope.RequestIdFault is { } requestIdFault)
            throw new ProtocolException(ErrorCodes.InvalidMessage, requestIdFault, "$.request_id");
        try
        {
            var message = Read(envelope.MessageType, utf8, isV2);
            return isV2 && message.RequestId is null && envelope.RequestId is { } requestId ? message with { RequestId = requestId } : message;
        }
        catch (ProtocolException fault) when (isV2 && fault.RequestId is null && envelope.RequestId is not null)
        {
            throw new ProtocolException(fault.Code, fault.Message, fault.Path) { RequestId = envelope.RequestId };
        }
    }

    private static ClientMessage Read(string messageType, ReadOnlyMemory<byte> utf8, bool isV2)
    {
        var fields = new FieldReader(utf8);
        fields.EnterObject();
        return messageType switch
        {
            "register" => RegistrationReader.ReadRegister(ref fields, isV2),
            "new" => NewReader.Read(ref fields, isV2),
            "ack" => isV2 ? SettlingReader.ReadAck(ref fields) : SettlingReader.ReadEventAck(ref fields),
            "query" => isV2 ? QueryReader.ReadV2(ref fields) : QueryReader.ReadV1(ref fields),
            "nack" when isV2 => SettlingReader.ReadNack(ref fields),
            "extend" when isV2 => SettlingReader.ReadExtend(ref fields),
            "unregister" when isV2 => RegistrationReader.ReadUnregister(ref fields),
            "more" when isV2 => QueryReader.ReadMore(ref fields),
            "cancel" when isV2 => QueryReader.ReadCancel(ref fields),
            "sequence" when isV2 => QueryReader.ReadSequence(ref fields),
            var other => throw new ProtocolException(
                ErrorCodes.UnknownMessageType, $"'{Shortened.Of(other)}' is no message_type that a client may send in {(isV2 ? ProtocolVersion.V2 : ProtocolVersion.V1)}.", "$.message_type"),
        };
    }
}
