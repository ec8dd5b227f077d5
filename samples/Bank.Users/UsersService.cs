using Bank.Contracts;
using Bank.ServiceDefaults;

namespace Bank.Users;

/// <summary>Knows the bank's customers, who is signed in, and which accounts are whose. Its database is a source of truth.</summary>
public static class UsersService
{
    /// <param name="args">Configuration as on the command line, such as <c>--Urls=http://localhost:0</c>.</param>
    /// <param name="configure">For a program that runs the service in its own process.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = BankService.CreateBuilder("Bank.Users", "http://localhost:5005", args);
        builder.Services.AddUsersWork(builder.Configuration);
        builder.Services.AddIdentityCore<User>(Credentials.Configure).AddEntityFrameworkStores<UsersDb>();
        builder.Services.AddSingleton(_ => Credentials.CreateTurns());
        builder.Services.AddScoped<Credentials>();
        builder.Services.AddScoped<Sessions>();
        builder.Services.AddScoped<ISessionSource>(provider => provider.GetRequiredService<Sessions>());
        configure?.Invoke(builder);
        var app = builder.BuildService();
        app.MapUsers();
        return app;
    }

    /// <summary>The bus work: publishes the requests for accounts and notes the accounts that came of them. Needs no HTTP.</summary>
    public static IServiceCollection AddUsersWork(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddState<UsersDb>(configuration, "users.db");
        services.AddBankBus(configuration, "users").AddHandler<AccountCreatedHandler, AccountCreated>();
        services.AddSingleton<AccountRequests>();
        services.AddHostedService<AccountRequestRepeater>();
        return services;
    }
}
