using System.Reflection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sequent.Protocol;

namespace Sequent.Cli.Server;

/// <summary>Sends what the bus traces and counts to a collector of OpenTelemetry.</summary>
internal static class Otlp
{
    /// <summary>The address of a collector, by HTTP: its path, if any, is where it takes signals.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static Uri Parse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new FormatException($"'{text}' is no address of a collector. Use its address for OTLP over HTTP, such as http://localhost:4318.");

    public static void AddOtlp(this IServiceCollection services, Uri collector)
    {
        void ExportTo(OtlpExporterOptions options, string signal)
        {
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.Endpoint = new Uri($"{collector.ToString().TrimEnd('/')}/v1/{signal}");
        }

        var version = typeof(Otlp).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("sequent-bus", serviceVersion: version))
            .WithTracing(traces => traces.AddSource(SequentDiagnostics.Name).AddOtlpExporter(o => ExportTo(o, "traces")))
            .WithMetrics(metrics => metrics.AddMeter(SequentDiagnostics.Name, "System.Runtime").AddOtlpExporter(o => ExportTo(o, "metrics")));
    }
}
