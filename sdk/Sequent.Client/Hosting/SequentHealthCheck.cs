using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sequent.Client.Hosting;

/// <summary>Whether a service can do its work: it is connected, registered and up to date.</summary>
internal sealed class SequentHealthCheck(SequentHost host, TimeSpan? maxLag) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (obstacles, data) = host.Describe(maxLag);
        return Task.FromResult(obstacles.Count == 0
            ? HealthCheckResult.Healthy("connected, registered, up to date", data)
            : new HealthCheckResult(context.Registration.FailureStatus, string.Join("; ", obstacles), data: data));
    }
}
