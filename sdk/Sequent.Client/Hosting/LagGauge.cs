using System.Diagnostics.Metrics;
using Sequent.Client.Telemetry;

namespace Sequent.Client.Hosting;

/// <summary>How far handlers and projections are behind the log, in time, as a gauge.</summary>
internal static class LagGauge
{
    /// <summary>The clocks of bus and service differ a little: nothing is ahead of the log.</summary>
    public static TimeSpan Between(DateTimeOffset recorded, DateTimeOffset now) => now > recorded ? now - recorded : TimeSpan.Zero;

    /// <param name="read">The present lags, by the attribute that tells whose each is.</param>
    /// <returns>What ends it.</returns>
    public static IDisposable Watch(Func<IEnumerable<(string Tag, string Name, TimeSpan Lag)>> read)
    {
        var meter = Instruments.NewMeter();
        meter.CreateObservableGauge(
            "sequent.client.lag",
            () => read().Select(l => new Measurement<double>(l.Lag.TotalSeconds, new KeyValuePair<string, object?>(l.Tag, l.Name))),
            "s",
            "Handlers: the age of the oldest event they hold. Projections: the age of the oldest event they have still to apply.");
        return meter;
    }
}
