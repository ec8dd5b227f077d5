using Bank.ServiceDefaults;

namespace Bank.Transactions;

/// <summary>Takes transfers and tells what became of them. Whether there is enough money is for Accounts to decide.</summary>
public static class TransactionsService
{
    /// <param name="args">Configuration as on the command line, such as <c>--Urls=http://localhost:0</c>.</param>
    /// <param name="configure">For a program that runs the service in its own process.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = BankService.CreateBuilder("Bank.Transactions", "http://localhost:5004", args);
        builder.Services.AddTransactionsWork(builder.Configuration);
        builder.Services.AddUsersSessions(builder.Configuration);
        configure?.Invoke(builder);
        var app = builder.BuildService();
        app.MapTransactions();
        return app;
    }

    /// <summary>The bus work: the list of transfers as a read model. Needs no HTTP.</summary>
    public static IServiceCollection AddTransactionsWork(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddState<TransfersDb>(configuration, "transactions.db");
        services.AddBankBus(configuration, "transactions").AddProjection<Transfers>();
        return services;
    }
}
