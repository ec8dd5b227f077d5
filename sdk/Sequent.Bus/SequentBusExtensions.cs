using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Sequent.Bus.Operating;
using Sequent.Bus.Sessions;

namespace Sequent.Bus;

/// <summary>Puts a bus into an ASP.NET Core application.</summary>
public static class SequentBusExtensions
{
    /// <summary>Registers the bus. It opens its log when the host starts and closes it when the host stops.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets options, such as the file of the log.</param>
    public static IServiceCollection AddSequentBus(this IServiceCollection services, Action<SequentBusOptions>? configure = null)
    {
        services.AddOptions<SequentBusOptions>();
        if (configure is not null)
            services.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SequentBusOptions>, SequentBusOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<SequentBus>();
        services.AddHostedService(provider => provider.GetRequiredService<SequentBus>());
        return services;
    }

    /// <summary>Serves the bus at a route, over the application's own web server.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route, such as <c>/</c>, or <c>/{**path}</c> for any path as the original bus did.</param>
    public static IEndpointConventionBuilder MapSequentBus(this IEndpointRouteBuilder endpoints, string pattern = "/")
    {
        var bus = endpoints.ServiceProvider.GetRequiredService<SequentBus>();

        // The web server waits for its requests when it stops, and sessions are requests: they have to end first.
        var lifetime = endpoints.ServiceProvider.GetRequiredService<IHostApplicationLifetime>();
        lifetime.ApplicationStopping.Register(() => _ = bus.Sessions.CloseAsync());

        var pipeline = endpoints.CreateApplicationBuilder();
        SessionUpgrade.Use(pipeline);
        pipeline.Run(bus.Sessions.ServeAsync);
        return endpoints.Map(pattern, pipeline.Build()).WithDisplayName("Sequent bus");
    }

    /// <summary>
    /// Serves <c>/live</c> (200 while the process runs) and <c>/ready</c> (200 while the bus takes sessions and events, else 503 and why).
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Where.</param>
    public static IEndpointConventionBuilder MapSequentHealth(this IEndpointRouteBuilder endpoints, string prefix = "/health")
    {
        var bus = endpoints.ServiceProvider.GetRequiredService<SequentBus>();
        var health = endpoints.MapGroup(prefix);
        health.MapGet("/live", () => "live\n");
        health.MapGet("/ready", async (CancellationToken cancellationToken) =>
            await bus.FindObstacleAsync(cancellationToken) is { } obstacle
                ? Results.Text($"{obstacle}\n", statusCode: StatusCodes.Status503ServiceUnavailable)
                : Results.Text("ready\n"));
        return health;
    }

    /// <summary>
    /// Serves the operator's requests: client types, sessions, keys, dead letters. Only programs on this machine may ask, by the loopback
    /// address; pages of a browser may not.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Where.</param>
    public static IEndpointConventionBuilder MapSequentAdmin(this IEndpointRouteBuilder endpoints, string prefix = "/admin")
    {
        var admin = endpoints.MapGroup(prefix);
        AdminEndpoints.Map(admin, endpoints.ServiceProvider.GetRequiredService<SequentBus>());
        return admin;
    }
}
