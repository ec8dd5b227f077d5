namespace Sequent.Bus.Storage;

/// <summary>The clock in the unit the log stores.</summary>
internal static class MicrosecondClock
{
    /// <summary>Microseconds since the Unix epoch.</summary>
    public static long NowMicros(this TimeProvider time) => time.GetUtcNow().ToMicros();

    /// <summary>Microseconds since the Unix epoch.</summary>
    public static long ToMicros(this DateTimeOffset moment) => (moment.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
}
