using System.Globalization;

namespace Sequent.Protocol;

/// <summary>The time text of v1: <c>Thu,  1 Mar 2018 09:05:03 +0000</c>, the day padded with a space.</summary>
public static class Rfc2822
{
    /// <summary>Prints a time in the given zone, cut to whole seconds.</summary>
    public static string Format(DateTimeOffset time, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(time, zone);
        var offset = local.Offset;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{local:ddd}, {local.Day,2} {local:MMM yyyy HH:mm:ss} {(offset < TimeSpan.Zero ? '-' : '+')}{offset:hhmm}");
    }
}
