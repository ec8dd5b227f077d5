namespace Bank.Web.Api;

/// <summary>Where the bank's services are.</summary>
public sealed record ServiceAddresses(Uri Users, Uri Accounts, Uri Transactions)
{
    public static ServiceAddresses From(IConfiguration configuration) => new(
        new Uri(configuration["Users:Url"] ?? "http://localhost:5005"),
        new Uri(configuration["Accounts:Url"] ?? "http://localhost:5003"),
        new Uri(configuration["Transactions:Url"] ?? "http://localhost:5004"));

    /// <summary>As a program takes them on its command line.</summary>
    public string[] AsArguments() => [$"--Users:Url={Users.OriginalString}", $"--Accounts:Url={Accounts.OriginalString}", $"--Transactions:Url={Transactions.OriginalString}"];
}
