using System.Globalization;

namespace Sequent.Protocol;

/// <summary>The time of an event as its texts. All events of a commit have the same one, so the last is kept, per thread.</summary>
internal sealed class EventTime
{
    [ThreadStatic]
    private static EventTime? _last;

    private readonly DateTimeOffset _time;
    private readonly TimeZoneInfo _zone;

    private EventTime(DateTimeOffset time, TimeZoneInfo zone)
    {
        (_time, _zone) = (time, zone);
        Iso = time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
        Rfc = Rfc2822.Format(time, zone);
    }

    /// <summary>ISO 8601 in UTC, with microseconds.</summary>
    public string Iso { get; }

    /// <summary>As v1 prints it, in the zone.</summary>
    public string Rfc { get; }

    public static EventTime Of(DateTimeOffset time, TimeZoneInfo zone) =>
        _last is { } last && last._time == time && ReferenceEquals(last._zone, zone) ? last : _last = new EventTime(time, zone);
}
