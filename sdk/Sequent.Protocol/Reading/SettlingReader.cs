namespace Sequent.Protocol;

/// <summary>Reads <c>ack</c> of both protocols and <c>nack</c>.</summary>
internal static class SettlingReader
{
    /// <summary>
    /// v1: the event itself came back. Key and value name it within a session, so nothing else is looked at: comparing whole
    /// events, as the original did, fails for floats whose print does not parse back.
    /// </summary>
    public static EventAckMessage ReadEventAck(ref FieldReader fields)
    {
        (string Key, uint? Value)? consistency = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("consistency"u8, "consistency", ref seen, 0))
                consistency = NewReader.ReadConsistency(ref fields);
            else
                fields.SkipField();
        }

        var (key, value) = consistency ?? throw fields.Missing("consistency");
        return value is { } assigned
            ? new EventAckMessage(key, assigned)
            : throw new ProtocolException(ErrorCodes.InvalidMessage, "An ack must carry the value of its event.", "$.consistency.value");
    }

    public static AckMessage ReadAck(ref FieldReader fields)
    {
        long? upTo = null;
        List<long>? deliveries = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("up_to"u8, "up_to", ref seen, 0))
                upTo = fields.Integer(0, WireNames.MaxInteger);
            else if (fields.Is("deliveries"u8, "deliveries", ref seen, 1))
                deliveries = fields.Integers(1, WireNames.MaxInteger);
            else
                fields.SkipField();
        }

        return (upTo is null) != (deliveries is null)
            ? new AckMessage { UpTo = upTo, Deliveries = deliveries }
            : throw new ProtocolException(ErrorCodes.InvalidMessage, "An ack needs either up_to or deliveries.", "$");
    }

    public static ExtendMessage ReadExtend(ref FieldReader fields)
    {
        List<long>? deliveries = null;
        long? ms = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("deliveries"u8, "deliveries", ref seen, 0))
                deliveries = fields.Integers(1, WireNames.MaxInteger);
            else if (fields.Is("ms"u8, "ms", ref seen, 1))
                ms = fields.Integer(1, WireNames.MaxExtensionMs);
            else
                fields.SkipField();
        }

        return new ExtendMessage(deliveries ?? throw fields.Missing("deliveries"), ms ?? throw fields.Missing("ms"));
    }

    public static NackMessage ReadNack(ref FieldReader fields)
    {
        long? delivery = null, delayMs = null;
        string? reason = null;
        var deadLetter = false;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("delivery"u8, "delivery", ref seen, 0))
                delivery = fields.Integer(1, WireNames.MaxInteger);
            else if (fields.Is("delay_ms"u8, "delay_ms", ref seen, 1))
                delayMs = fields.Integer(0, WireNames.MaxNackDelayMs);
            else if (fields.Is("reason"u8, "reason", ref seen, 2))
                reason = Shorten(fields.StringOrNull());
            else if (fields.Is("dead_letter"u8, "dead_letter", ref seen, 3))
                deadLetter = fields.Boolean();
            else
                fields.SkipField();
        }

        return new NackMessage(delivery ?? throw fields.Missing("delivery")) { DelayMs = delayMs, Reason = reason, DeadLetter = deadLetter };
    }

    /// <summary>A nack must not fail because somebody put a whole stack trace into its reason.</summary>
    private static string? Shorten(string? reason)
    {
        if (reason is not { Length: > WireNames.MaxReasonLength })
            return reason;
        var end = WireNames.MaxReasonLength - 1;
        return string.Concat(reason.AsSpan(0, char.IsHighSurrogate(reason[end - 1]) ? end - 1 : end), "…");
    }
}
