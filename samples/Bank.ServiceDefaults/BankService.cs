using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Scalar.AspNetCore;

namespace Bank.ServiceDefaults;

/// <summary>The HTTP side that all services of the bank share: addresses, JSON, problems, sign-in, documentation.</summary>
public static class BankService
{
    /// <summary>A request that waits for the bus, or for Users, gives up after this time and says so.</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The tag of what has to be healthy before a service takes requests.</summary>
    public const string Ready = "ready";

    private static readonly Dictionary<string, string?> QuietFrameworks = new()
    {
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        // That a service is not ready yet is for whoever asks, who asks again.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "Critical",
    };

    /// <summary>A program of the bank that serves HTTP: its address, its configuration, its telemetry, and whether it is well.</summary>
    public static WebApplicationBuilder CreateHost(string name, string defaultUrl, string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = name,
            // Not the current folder: configuration belongs to the program, wherever it was started.
            ContentRootPath = AppContext.BaseDirectory,
        });
        if (builder.Configuration[WebHostDefaults.ServerUrlsKey] is null)
            builder.WebHost.UseUrls(defaultUrl);
        // First of all sources: every other one can say otherwise.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = QuietFrameworks });
        builder.Services.AddHealthChecks();
        builder.Services.AddBankTelemetry(name, builder.Configuration);
        return builder;
    }

    /// <summary>A service: a host whose routes speak the bank's JSON, know who asks, and say what went wrong.</summary>
    public static WebApplicationBuilder CreateBuilder(string name, string defaultUrl, string[] args)
    {
        var builder = CreateHost(name, defaultUrl, args);
        var services = builder.Services;
        services.ConfigureHttpJsonOptions(o => UseBankNames(o.SerializerOptions));
        services.AddProblemDetails();
        services.AddExceptionHandler<FailuresAsProblems>();
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddRequestTimeouts(o => o.DefaultPolicy = new RequestTimeoutPolicy { Timeout = RequestTimeout, WriteTimeoutResponse = Unavailable.WriteAsync });
        services.AddAuthentication(BearerTokens.Scheme).AddScheme<BearerTokenOptions, BearerTokens>(BearerTokens.Scheme, null);
        services.AddAuthorization();
        services.AddOpenApi();
        return builder;
    }

    /// <summary>Builds the application with everything in front of the service's own routes.</summary>
    public static WebApplication BuildService(this WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRequestTimeouts();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapOpenApi();
        app.MapScalarApiReference();
        app.MapHealth();
        return app;
    }

    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(Ready) });
    }

    /// <summary>snake_case over HTTP; what is null is left out.</summary>
    public static void UseBankNames(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        json.AllowDuplicateProperties = false; // two amounts in one body: who knows which one somebody else has checked
        json.NumberHandling = JsonNumberHandling.Strict; // an id is a number, never a string that looks like one
    }
}
