using System.Globalization;
using System.Text.RegularExpressions;

namespace Sequent.Protocol;

/// <summary>Reads <c>query</c> of both protocols, <c>more</c>, <c>cancel</c> and <c>sequence</c>.</summary>
internal static partial class QueryReader
{
    /// <summary>v1: both fields are required, and event types are literal names.</summary>
    public static QueryMessage ReadV1(ref FieldReader fields)
    {
        List<string>? eventTypes = null;
        string? since = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("event_types"u8, "event_types", ref seen, 0))
                eventTypes = fields.Strings();
            else if (fields.Is("since"u8, "since", ref seen, 1))
                since = fields.String();
            else
                fields.SkipField();
        }

        if (eventTypes is null)
            throw fields.Missing("event_types");
        return new QueryMessage { EventTypes = eventTypes, Since = ParseSince(since ?? throw fields.Missing("since")) };
    }

    public static QueryMessage ReadV2(ref FieldReader fields)
    {
        var query = new QueryMessage();
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                query = query with { RequestId = fields.String() };
            else if (fields.Is("event_types"u8, "event_types", ref seen, 1))
                query = query with { EventTypes = fields.Strings() };
            else if (fields.Is("since"u8, "since", ref seen, 2))
                query = query with { Since = ParseSince(fields.String()) };
            else if (fields.Is("log_id"u8, "log_id", ref seen, 3))
                query = query with { LogId = fields.String() };
            else if (fields.Is("after"u8, "after", ref seen, 4))
                query = query with { After = fields.Integer(0, WireNames.MaxInteger) };
            else if (fields.Is("until"u8, "until", ref seen, 5))
                query = query with { Until = fields.Integer(0, WireNames.MaxInteger) };
            else if (fields.Is("keys"u8, "keys", ref seen, 6))
                query = query with { Keys = fields.Strings(WireNames.MaxNames) };
            else if (fields.Is("event_ids"u8, "event_ids", ref seen, 7))
                query = query with { EventIds = fields.Uuids(WireNames.MaxNames) };
            else if (fields.Is("limit"u8, "limit", ref seen, 8))
                query = query with { Limit = fields.Integer(1, WireNames.MaxInteger) };
            else if (fields.Is("page_size"u8, "page_size", ref seen, 9))
                query = query with { PageSize = (int)fields.Integer(1, int.MaxValue) };
            else if (fields.Is("credit"u8, "credit", ref seen, 10))
                query = query with { Credit = (int)fields.Integer(1, 1_000_000) };
            else if (fields.Is("follow"u8, "follow", ref seen, 11))
                query = query with { Follow = fields.Boolean() };
            else if (fields.Is("correlation_id"u8, "correlation_id", ref seen, 12))
                query = query with { CorrelationId = (uint)fields.Integer(0, uint.MaxValue) };
            else if (fields.Is("order"u8, "order", ref seen, 13))
                query = query with { Descending = IsDescending(ref fields) };
            else
                fields.SkipField();
        }

        return Check(query);
    }

    private static QueryMessage Check(QueryMessage query)
    {
        if (query.EventTypes is [WireNames.AnyType])
            query = query with { EventTypes = null };
        if (query.Follow && query.RequestId is null)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "A follow needs a request_id, so that it can be cancelled.", "$.request_id");
        if (query.Follow && query.Limit is not null)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "A follow has no limit; end it with until or cancel.", "$.limit");
        if (query.Follow && query.Descending)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "A follow goes forward; order desc is for queries that end.", "$.order");
        if (query.EventIds is not null && (query.Keys is not null || query.Follow))
            throw new ProtocolException(ErrorCodes.InvalidMessage, "event_ids stands alone: without keys and without follow.", "$.event_ids");
        return query;
    }

    public static MoreMessage ReadMore(ref FieldReader fields)
    {
        string? requestId = null;
        int? pages = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                requestId = fields.String();
            else if (fields.Is("pages"u8, "pages", ref seen, 1))
                pages = (int)fields.Integer(1, 1_000_000);
            else
                fields.SkipField();
        }

        return new MoreMessage(requestId ?? throw fields.Missing("request_id"), pages ?? throw fields.Missing("pages"));
    }

    public static CancelMessage ReadCancel(ref FieldReader fields)
    {
        string? requestId = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                requestId = fields.String();
            else
                fields.SkipField();
        }

        return new CancelMessage(requestId ?? throw fields.Missing("request_id"));
    }

    public static SequenceMessage ReadSequence(ref FieldReader fields)
    {
        string? requestId = null;
        List<string>? keys = null;
        ulong seen = 0;
        while (fields.NextField())
        {
            if (fields.Is("request_id"u8, "request_id", ref seen, 0))
                requestId = fields.String();
            else if (fields.Is("keys"u8, "keys", ref seen, 1))
                keys = fields.Strings(WireNames.MaxNames);
            else
                fields.SkipField();
        }

        return new SequenceMessage(requestId ?? throw fields.Missing("request_id"), keys ?? throw fields.Missing("keys"));
    }

    private static bool IsDescending(ref FieldReader fields) => fields.String() switch
    {
        "asc" => false,
        "desc" => true,
        _ => throw fields.Fault("must be \"asc\" or \"desc\""),
    };

    /// <summary><c>"*"</c> (everything: null) or RFC 3339 with time and offset.</summary>
    private static DateTimeOffset? ParseSince(string text)
    {
        if (text == "*")
            return null;
        // "T" and "Z" may be lower case; .NET takes at most 7 fractional digits, so further ones are cut off.
        var match = Rfc3339().Match(text);
        var fraction = match.Groups["fraction"].Value;
        var normal = $"{match.Groups["date"].Value}T{match.Groups["time"].Value}{(fraction.Length > 8 ? fraction[..8] : fraction)}{match.Groups["offset"].Value.ToUpperInvariant()}";
        return match.Success && DateTimeOffset.TryParse(normal, CultureInfo.InvariantCulture, DateTimeStyles.None, out var since)
            ? since
            : throw new ProtocolException(ErrorCodes.InvalidMessage, "since must be \"*\" or an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z.", "$.since");
    }

    [GeneratedRegex(@"^(?<date>\d{4}-\d\d-\d\d)[Tt](?<time>\d\d:\d\d:\d\d)(?<fraction>\.\d+)?(?<offset>[Zz]|[+-]\d\d:\d\d)\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Rfc3339();
}
