using System.Globalization;
using ScottPlot;

namespace Sequent.Cli.Bench;

/// <summary>Pictures of measurements.</summary>
internal static class BenchPlot
{
    private const int Width = 1000;
    private const int Height = 600;

    /// <summary>Rate by connections if those differ, else the time of an operation by percentile.</summary>
    public static void Save(IReadOnlyList<Measurement> measurements, string file)
    {
        using var plot = new Plot();
        if (measurements.Count > 1)
            DrawRates(plot, measurements);
        else
            DrawTimes(plot, measurements[0]);
        plot.SavePng(file, Width, Height);
    }

    private static void DrawRates(Plot plot, IReadOnlyList<Measurement> measurements)
    {
        plot.Add.Scatter(measurements.Select(m => Math.Log10(m.Plan.Connections)).ToArray(), measurements.Select(m => m.EventsPerSecond).ToArray());
        plot.Axes.Bottom.SetTicks([.. measurements.Select(m => Math.Log10(m.Plan.Connections))], [.. measurements.Select(m => m.Plan.Connections.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimitsY(0, 1.1 * measurements.Max(m => m.EventsPerSecond));
        plot.XLabel("connections");
        plot.YLabel("events/s");
        plot.Title($"{measurements[0].Plan.Load} by connections");
    }

    /// <summary>Nines on the horizontal axis: every one is as far from the next.</summary>
    private static void DrawTimes(Plot plot, Measurement measurement)
    {
        static double Nines(double percentile) => -Math.Log10(1 - (percentile / 100));
        plot.Add.Scatter(measurement.Curve.Select(p => Nines(p.Percentile)).ToArray(), measurement.Curve.Select(p => p.Milliseconds).ToArray());
        double[] shown = [0, 50, 90, 99, 99.9, 99.99];
        plot.Axes.Bottom.SetTicks([.. shown.Select(Nines)], [.. shown.Select(p => p.ToString(CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimitsY(0, 1.1 * measurement.Curve.Select(p => p.Milliseconds).DefaultIfEmpty(1).Max());
        plot.XLabel("percentile");
        plot.YLabel("ms");
        plot.Title(string.Create(CultureInfo.InvariantCulture, $"{measurement.Plan.Load}: {measurement.EventsPerSecond:N0} events/s"));
    }
}
