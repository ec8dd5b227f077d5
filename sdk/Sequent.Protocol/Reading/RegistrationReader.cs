namespace Sequent.Protocol;

/// <summary>Reads <c>register</c>.</summary>
internal static class RegistrationReader
{
    public static RegisterMessage ReadRegister(ref FieldReader fields, bool isV2)
    {
        string? clientType = null, instance = null;
        List<string>? eventTypes = null;
        int? maxInFlight = null, maxInFlightPerKey = null;
        StartPosition? start = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("client_type"u8, "client_type", ref seen, 0))
                clientType = fields.Text(WireNames.MaxClientTypeLength);
            else if (fields.Is("event_types"u8, "event_types", ref seen, 1))
                eventTypes = fields.Strings();
            else if (isV2 && fields.Is("instance"u8, "instance", ref seen, 2))
                instance = fields.Text(WireNames.MaxInstanceLength);
            else if (isV2 && fields.Is("max_in_flight"u8, "max_in_flight", ref seen, 3))
                maxInFlight = (int)fields.Integer(1, 65_536);
            else if (isV2 && fields.Is("max_in_flight_per_key"u8, "max_in_flight_per_key", ref seen, 4))
                maxInFlightPerKey = (int)fields.Integer(1, 65_536);
            else if (isV2 && fields.Is("start"u8, "start", ref seen, 5))
                start = ReadStart(ref fields);
            else
                fields.SkipField();
        }

        return new RegisterMessage(
            clientType ?? throw fields.Missing("client_type"),
            eventTypes ?? throw fields.Missing("event_types"))
        {
            Instance = instance,
            MaxInFlight = maxInFlight,
            MaxInFlightPerKey = maxInFlightPerKey,
            Start = start,
        };
    }

    public static UnregisterMessage ReadUnregister(ref FieldReader fields)
    {
        var drain = false;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("drain"u8, "drain", ref seen, 0))
                drain = fields.Boolean();
            else
                fields.SkipField();
        }

        return new UnregisterMessage { Drain = drain };
    }

    private static StartPosition ReadStart(ref FieldReader fields)
    {
        if (fields.Token == System.Text.Json.JsonTokenType.String)
        {
            return fields.String() switch
            {
                "earliest" => StartPosition.Earliest,
                "latest" => StartPosition.Latest,
                _ => throw fields.Fault("must be \"earliest\", \"latest\" or {position, log_id}"),
            };
        }

        long? position = null;
        string? logId = null;
        ulong seen = 0;
        var outer = fields.EnterObject();
        while (fields.NextField())
        {
            if (fields.Is("position"u8, "position", ref seen, 0))
                position = fields.Integer(0, WireNames.MaxInteger);
            else if (fields.Is("log_id"u8, "log_id", ref seen, 1))
                logId = fields.String();
            else
                fields.SkipField();
        }

        var result = StartPosition.After(position ?? throw fields.Missing("position"), logId ?? throw fields.Missing("log_id"));
        fields.LeaveObject(outer);
        return result;
    }
}
