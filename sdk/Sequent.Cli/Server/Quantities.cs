using System.Globalization;

namespace Sequent.Cli.Server;

/// <summary>Numbers with units, as people write them.</summary>
internal static class Quantities
{
    private static readonly (string Unit, long Factor)[] Sizes = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("", 1)];

    private static readonly (string Unit, double Seconds)[] Times = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3_600)];

    /// <summary>A count, without a unit.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static int Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new FormatException($"'{text}' is no number. Use digits: 10000.");

    /// <summary>Bytes: 65536, 512KiB, 1MiB, 2GiB.</summary>
    /// <exception cref="FormatException">It is no size.</exception>
    public static long Size(string text)
    {
        foreach (var (unit, factor) in Sizes)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number <= long.MaxValue / factor)
                return number * factor;
        }

        throw new FormatException($"'{text}' is no size. Use bytes or a unit: 65536, 512KiB, 1MiB, 2GiB.");
    }

    /// <summary>A size that fits into memory as one piece.</summary>
    /// <exception cref="FormatException">It is no size, or too large.</exception>
    public static int SmallSize(string text) =>
        Size(text) is <= int.MaxValue and var size ? (int)size : throw new FormatException($"'{text}' is too large. The most is 2147483647 bytes.");

    /// <summary>A time: 100ms, 30s, 5m, 1h.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TimeSpan Time(string text)
    {
        foreach (var (unit, seconds) in Times)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && int.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number * seconds < TimeSpan.MaxValue.TotalSeconds)
                return TimeSpan.FromSeconds(number * seconds);
        }

        throw new FormatException($"'{text}' is no time. Use a number with a unit: 100ms, 30s, 5m, 1h.");
    }
}
