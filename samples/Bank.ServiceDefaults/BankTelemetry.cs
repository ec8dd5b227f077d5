using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sequent.Protocol;

namespace Bank.ServiceDefaults;

/// <summary>Traces and metrics of a service. The trace goes with every event, so one request is one trace through all services and the bus.</summary>
public static class BankTelemetry
{
    /// <summary>Sends them to the collector that <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names (OTLP over HTTP, such as http://localhost:4318); without one nothing is measured, and that costs nothing.</summary>
    public static IServiceCollection AddBankTelemetry(this IServiceCollection services, string name, IConfiguration configuration)
    {
        if (configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is not { Length: > 0 } collector)
            return services;
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(name))
            .WithTracing(traces => traces.AddBankSources())
            .WithMetrics(metrics => metrics.AddMeter(SequentDiagnostics.Name).AddAspNetCoreInstrumentation())
            .UseOtlpExporter(OtlpExportProtocol.HttpProtobuf, new Uri(collector));
        return services;
    }

    /// <summary>What makes one tree of a request: HTTP on both sides, and Sequent.</summary>
    public static TracerProviderBuilder AddBankSources(this TracerProviderBuilder traces) => traces
        .AddSource(SequentDiagnostics.Name)
        .AddAspNetCoreInstrumentation(o => o.Filter = request => !request.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
        .AddHttpClientInstrumentation();
}
