using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Bank.ServiceDefaults;

/// <summary>Where a service keeps its state: SQLite in a file of its own, or PostgreSQL, which instances can share.</summary>
public static class BankState
{
    private const int SqliteBusy = 5, SqliteLocked = 6, SqliteCantOpen = 14;

    /// <summary>Less than a request waits: SQLite waits for a lock without listening to anybody who cancels.</summary>
    private const string SqliteDefaults = "Default Timeout=4;";

    /// <summary>An instance that stands still within a transaction holds up those it shares the database with for no longer than this.</summary>
    private const string PostgresDefaults = "Options=-c idle_in_transaction_session_timeout=10s;";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Keeps it at <c>ConnectionStrings:State</c>, in PostgreSQL if that names a <c>Host</c>, and creates it before anything else starts.</summary>
    public static IServiceCollection AddState<TContext>(this IServiceCollection services, IConfiguration configuration, string defaultFile)
        where TContext : DbContext
    {
        var connection = configuration.GetConnectionString("State") ?? $"Data Source={defaultFile}";
        services.AddDbContextFactory<TContext>(o =>
        {
            if (new DbConnectionStringBuilder { ConnectionString = connection }.ContainsKey("Host"))
                o.UseNpgsql(PostgresDefaults + connection); // what the connection says itself counts
            else
                o.UseSqlite(SqliteDefaults + connection);
        });
        services.AddHostedService<StateCreation<TContext>>();
        return services;
    }

    /// <summary>The database could not be reached, or asks to be asked again. EF Core wraps that, some of it twice.</summary>
    public static bool IsAway(Exception exception) => DatabaseFault(exception) switch
    {
        SqliteException sqlite => sqlite.SqliteErrorCode is SqliteBusy or SqliteLocked or SqliteCantOpen,
        { } fault => fault.IsTransient,
        null => false,
    };

    /// <summary>For handlers: a database that is away is no fault of the event, so the event waits instead of failing.</summary>
    public static async Task WhenItIsThereAsync(Func<Task> change, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var pause = Pause; ; pause = Longer(pause))
        {
            try
            {
                await change();
                return;
            }
            catch (Exception e) when (IsAway(e))
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private static DbException? DatabaseFault(Exception? exception)
    {
        while (exception is not (null or DbException))
            exception = exception.InnerException;
        return exception as DbException;
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    /// <summary>Tries until the database is there or the service is stopped. Until then nothing else of the service starts, so it is not ready.</summary>
    private sealed class StateCreation<TContext>(IDbContextFactory<TContext> databases, TimeProvider time, ILogger<StateCreation<TContext>> log) : IHostedService
        where TContext : DbContext
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            for (var pause = Pause; ; pause = Longer(pause))
            {
                try
                {
                    await using var db = await databases.CreateDbContextAsync(cancellationToken);
                    await db.Database.EnsureCreatedAsync(cancellationToken);
                    return;
                }
                catch (Exception e) when (DatabaseFault(e) is { } fault)
                {
                    // Instances that start together all create it; one of them wins, the others find it. Or it is not there yet.
                    log.StateMissing(typeof(TContext).Name, fault.Message, pause.TotalSeconds);
                    await Task.Delay(pause, time, cancellationToken);
                }
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

internal static partial class BankStateLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{State} cannot be opened or created ({Fault}); the service starts when it can, next try in {Pause} s. See ConnectionStrings:State.")]
    public static partial void StateMissing(this ILogger log, string state, string fault, double pause);
}
