using Bank.Contracts;
using Bank.ServiceDefaults;

namespace Bank.Accounts;

/// <summary>Creates accounts, moves money, and decides transfers. It owns nothing but what it can read from the bus.</summary>
public static class AccountsService
{
    public static WebApplication Build(params string[] args)
    {
        var builder = BankService.CreateBuilder("Bank.Accounts", "http://localhost:5003", args);
        builder.Services.AddAccountsWork(builder.Configuration);
        builder.Services.AddUsersSessions(builder.Configuration);
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
