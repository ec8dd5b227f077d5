using Bank.Contracts;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Sequent.Client;

namespace Bank.ServiceDefaults;

/// <summary>What the bus work of every service begins with. It needs no HTTP.</summary>
public static class BankBus
{
    /// <summary>Joins the bus at <c>Sequent:Server</c> as a client type. Services may start in any order: each begins at the log's beginning.</summary>
    public static SequentBuilder AddBankBus(this IServiceCollection services, IConfiguration configuration, string clientType)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSequent(o =>
        {
            BankJson.Use(o);
            o.Server = new Uri(configuration["Sequent:Server"] ?? "ws://localhost:8081");
            o.ClientType = clientType;
            o.Start = Start.Earliest;
        });
    }

    /// <summary>Keeps the service's state in SQLite at <c>ConnectionStrings:State</c> and creates it before anything else starts.</summary>
    public static IServiceCollection AddState<TContext>(this IServiceCollection services, IConfiguration configuration, string defaultFile)
        where TContext : DbContext
    {
        services.AddDbContextFactory<TContext>(o => o.UseSqlite(configuration.GetConnectionString("State") ?? $"Data Source={defaultFile}"));
        services.AddHostedService<StateCreation<TContext>>();
        return services;
    }

    private sealed class StateCreation<TContext>(IDbContextFactory<TContext> databases) : IHostedService
        where TContext : DbContext
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            await db.Database.EnsureCreatedAsync(cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
