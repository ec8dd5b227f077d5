using Bank.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sequent.Client;

namespace Bank.ServiceDefaults;

/// <summary>What the bus work of every service begins with. It needs no HTTP.</summary>
public static class BankBus
{
    /// <summary>Much less than a request waits: once the bus is back, the next request is answered.</summary>
    private static readonly TimeSpan ReconnectDelayMax = BankService.RequestTimeout / 5;

    /// <summary>Joins the bus at <c>Sequent:Server</c> as a client type. Services may start in any order: each begins at the log's beginning.</summary>
    public static SequentBuilder AddBankBus(this IServiceCollection services, IConfiguration configuration, string clientType)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddSequent(o =>
        {
            BankJson.Use(o);
            o.Server = new Uri(configuration["Sequent:Server"] ?? "ws://localhost:8081");
            o.ClientType = clientType;
            o.ReconnectDelayMax = ReconnectDelayMax;
            o.Start = Start.Earliest;
        }).AddHealthCheck(tags: [BankService.Ready]);
    }
}
