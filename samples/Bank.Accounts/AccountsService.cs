using Bank.Contracts;
using Bank.ServiceDefaults;

namespace Bank.Accounts;

/// <summary>Creates accounts, moves money, and decides transfers. It owns nothing but what it can read from the bus.</summary>
public static class AccountsService
{
    /// <param name="args">Configuration as on the command line, such as <c>--Urls=http://localhost:0</c>.</param>
    /// <param name="configure">For a program that runs the service in its own process.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = BankService.CreateBuilder("Bank.Accounts", "http://localhost:5003", args);
        builder.Services.AddAccountsWork(builder.Configuration);
        builder.Services.AddUsersSessions(builder.Configuration);
        configure?.Invoke(builder);
        var app = builder.BuildService();
        app.MapAccounts();
        return app;
    }

    /// <summary>The bus work: decisions and the statements' read model. Needs no HTTP.</summary>
    public static IServiceCollection AddAccountsWork(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddState<StatementsDb>(configuration, "accounts.db");
        services.AddBankBus(configuration, "accounts")
            .AddHandler<AccountCreationHandler, AccountCreationRequest>()
            .AddHandler<PendingTransactionHandler, PendingTransaction>()
            .AddProjection<Statements>();
        return services;
    }
}
