using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Sequent.Protocol;

namespace Sequent.Client.Telemetry;

/// <summary>What the SDK traces and counts, for all clients of the process. Names and units of the first four are OpenTelemetry's.</summary>
internal static class Instruments
{
    private static readonly string? Version = typeof(Instruments).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
    private static readonly Meter Meter = NewMeter();

    /// <summary>As the conventions ask for; the default buckets are for milliseconds.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] };

    public static ActivitySource Source { get; } = new(SequentDiagnostics.Name, Version);

    public static Histogram<double> OperationDuration { get; } =
        Meter.CreateHistogram<double>("messaging.client.operation.duration", "s", "From the call to the receipt, or to the last page.", advice: Seconds);

    public static Counter<long> Sent { get; } =
        Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Events published, by what became of them.");

    public static Counter<long> Consumed { get; } =
        Meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Deliveries handed to handlers.");

    public static Histogram<double> ProcessDuration { get; } =
        Meter.CreateHistogram<double>("messaging.process.duration", "s", "One run of a handler, with its commit, or one page of a projection.", advice: Seconds);

    public static UpDownCounter<long> InFlight { get; } =
        Meter.CreateUpDownCounter<long>("sequent.client.in_flight", "{publish}", "Publishes that wait for their receipt.");

    public static Histogram<double> UnitDuration { get; } =
        Meter.CreateHistogram<double>("sequent.client.unit.duration", "s", "A unit, with all its runs.", advice: Seconds);

    public static Counter<long> UnitConflicts { get; } =
        Meter.CreateCounter<long>("sequent.client.unit.conflicts", "{conflict}", "Runs of units that had to be repeated because another writer was first.");

    public static UpDownCounter<long> Sessions { get; } =
        Meter.CreateUpDownCounter<long>("sequent.client.sessions", "{session}", "Open connections to the bus.");

    public static Counter<long> ConnectFailures { get; } =
        Meter.CreateCounter<long>("sequent.client.connect.failures", "{attempt}", "Attempts to connect that failed.");

    /// <summary>Nobody listens: then nothing is measured.</summary>
    public static bool IsSilent =>
        !Source.HasListeners() && !OperationDuration.Enabled && !Sent.Enabled && !Consumed.Enabled && !ProcessDuration.Enabled && !UnitDuration.Enabled && !UnitConflicts.Enabled;

    /// <summary>For instruments that look at something with an end; whoever made it disposes of it.</summary>
    public static Meter NewMeter() => new(SequentDiagnostics.Name, Version);
}
