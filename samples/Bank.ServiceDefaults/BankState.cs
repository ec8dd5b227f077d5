using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Bank.ServiceDefaults;

/// <summary>Where a service keeps its state: SQLite in a file of its own, or PostgreSQL, which instances can share.</summary>
public static class BankState
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Keeps it at <c>ConnectionStrings:State</c>, in PostgreSQL if that names a <c>Host</c>, and creates it before anything else starts.</summary>
    public static IServiceCollection AddState<TContext>(this IServiceCollection services, IConfiguration configuration, string defaultFile)
        where TContext : DbContext
    {
        var connection = configuration.GetConnectionString("State") ?? $"Data Source={defaultFile}";
        services.AddDbContextFactory<TContext>(o =>
        {
            if (new DbConnectionStringBuilder { ConnectionString = connection }.ContainsKey("Host"))
                o.UseNpgsql(connection);
            else
                o.UseSqlite(connection);
        });
        services.AddHostedService<StateCreation<TContext>>();
        return services;
    }

    /// <summary>The database could not be reached, or asks to be asked again. EF Core may have wrapped that.</summary>
    public static bool IsAway(Exception exception) =>
        (exception as DbException ?? exception.InnerException as DbException) is { IsTransient: true };

    /// <summary>For handlers: a database that is away is no fault of the event, so the event waits instead of failing.</summary>
    public static async Task WhenItIsThereAsync(Func<Task> change, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await change();
                return;
            }
            catch (Exception e) when (IsAway(e))
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private sealed class StateCreation<TContext>(IDbContextFactory<TContext> databases) : IHostedService
        where TContext : DbContext
    {
        private const int MaxAttempts = 10;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await using var db = await databases.CreateDbContextAsync(cancellationToken);
                    await db.Database.EnsureCreatedAsync(cancellationToken);
                    return;
                }
                catch (DbException) when (attempt < MaxAttempts)
                {
                    // Instances that start together all create it; one of them wins, the others find it. Or it is not there yet.
                    await Task.Delay(Pause, cancellationToken);
                }
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
