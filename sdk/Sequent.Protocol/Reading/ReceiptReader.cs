namespace Sequent.Protocol;

/// <summary>Reads <c>receipt</c>.</summary>
internal static class ReceiptReader
{
    // Of one session all receipts have the same sender, and many the same second.
    [ThreadStatic]
    private static string? _lastSender;

    [ThreadStatic]
    private static string? _lastTimestamp;

    public static ReceiptMessage Read(ref FieldReader fields)
    {
        string sender = "", timestamp = "";
        string? requestId = null;
        IReadOnlyList<ReceiptEntry>? receipts = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("receipts"u8, "receipts", ref seen, 0))
                receipts = ReadEntries(ref fields);
            else if (fields.Is("request_id"u8, "request_id", ref seen, 1))
                requestId = fields.StringOrNull();
            else if (fields.Is("sender"u8, "sender", ref seen, 2))
                sender = fields.String(ref _lastSender);
            else if (fields.Is("timestamp"u8, "timestamp", ref seen, 3))
                timestamp = fields.String(ref _lastTimestamp);
            else
                fields.SkipField();
        }

        return new ReceiptMessage(receipts ?? throw fields.Missing("receipts"), sender, timestamp) { RequestId = requestId };
    }

    private static IReadOnlyList<ReceiptEntry> ReadEntries(ref FieldReader fields)
    {
        var array = fields.EnterArray();
        var first = fields.NextItem(array, 0) ? ReadEntry(ref fields) : null;
        List<ReceiptEntry>? several = null;
        while (first is not null && fields.NextItem(array, several?.Count ?? 1))
            (several ??= [first]).Add(ReadEntry(ref fields));
        fields.LeaveArray(array);

        if (several is not null)
            return several;
        return first is null ? Array.Empty<ReceiptEntry>() : new[] { first }; // mostly there is one
    }

    private static ReceiptEntry ReadEntry(ref FieldReader fields)
    {
        ReceiptStatus? status = null;
        string? checksum = null, key = null, eventType = null, reason = null;
        uint? value = null, expected = null;
        long? position = null;
        Guid? eventId = null;
        Dictionary<string, uint?>? expect = null;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("status"u8, "status", ref seen, 0))
                status = ReadStatus(ref fields);
            else if (fields.Is("checksum"u8, "checksum", ref seen, 1))
                checksum = fields.StringOrNull();
            else if (fields.Is("key"u8, "key", ref seen, 2))
                key = fields.StringOrNull();
            else if (fields.Is("value"u8, "value", ref seen, 3))
                value = fields.UInt32OrNull();
            else if (fields.Is("position"u8, "position", ref seen, 4))
                position = fields.Token == System.Text.Json.JsonTokenType.Null ? null : fields.Integer(1, WireNames.MaxInteger);
            else if (fields.Is("event_id"u8, "event_id", ref seen, 5))
                eventId = fields.Token == System.Text.Json.JsonTokenType.Null ? null : fields.Uuid();
            else if (fields.Is("event_type"u8, "event_type", ref seen, 6))
                eventType = fields.StringOrNull();
            else if (fields.Is("expected"u8, "expected", ref seen, 7))
                expected = fields.UInt32OrNull();
            else if (fields.Is("reason"u8, "reason", ref seen, 8))
                reason = fields.StringOrNull();
            else if (fields.Is("expect"u8, "expect", ref seen, 9))
                expect = fields.LastValues();
            else
                fields.SkipField();
        }

        var entry = new ReceiptEntry(status ?? throw fields.Missing("status"))
        {
            Checksum = checksum,
            Key = key,
            Value = value,
            Position = position,
            EventId = eventId,
            EventType = eventType,
            Expected = expected,
            Reason = reason,
            Expect = expect,
        };
        fields.LeaveObject(outer);
        return entry;
    }

    private static ReceiptStatus ReadStatus(ref FieldReader fields)
    {
        if (fields.ValueIs("success"u8))
            return ReceiptStatus.Success;
        if (fields.ValueIs("inconsistent"u8))
            return ReceiptStatus.Inconsistent;
        if (fields.ValueIs("duplicate"u8))
            return ReceiptStatus.Duplicate;
        return fields.ValueIs("rejected"u8) ? ReceiptStatus.Rejected : throw fields.Fault("must be success, inconsistent, duplicate or rejected");
    }
}
