using System.Globalization;
using System.Text.Json.Nodes;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>Somebody a scenario speaks of. At the bank they have a name nobody else has, so that no scenario meets another one's customers.</summary>
internal sealed class Person(BankUnderTest bank, string name) : IDisposable
{
    private readonly Dictionary<string, Customer> _devices = [];
    private readonly List<string> _requests = [];
    private bool _isRegistered;

    public string Username { get; } = $"{name.ToLowerInvariant()}-{Guid.NewGuid():N}"[..30];

    public List<long> Accounts { get; } = [];

    public long Account => Accounts.Count > 0 ? Accounts[0] : throw new AssertionException($"{name} has no account.");

    public string AccountPath => PathOf(Account);

    /// <summary>The request for an account that was made last.</summary>
    public string RequestPath => $"/users/me/accounts/requests/{_requests[^1]}";

    /// <summary>How they talk to the bank, unless it is said on which device.</summary>
    public Customer AtBank => On("");

    public static string PathOf(long account) => string.Create(CultureInfo.InvariantCulture, $"/accounts/{account}");

    public Customer On(string device)
    {
        if (!_devices.TryGetValue(device, out var customer))
            _devices[device] = customer = new Customer(bank, Username);
        return customer;
    }

    public Task<Answer> RegisterAsync(string password = Customer.Password)
    {
        _isRegistered = true;
        return AtBank.PostAsync(Part.Users, "/register", new { username = Username, password });
    }

    public Task<Answer> TryLogInAsync(string password = Customer.Password) => AtBank.PostAsync(Part.Users, "/login", new { username = Username, password });

    /// <summary>Registers if that has not happened, and logs in.</summary>
    public async Task LogInAsync(string device = "")
    {
        if (!_isRegistered)
            await RegisterAsync();
        await On(device).LogInAsync();
    }

    public async Task OpenAccountAsync(string? balance = null)
    {
        await LogInAsync();
        Accounts.Add(await AtBank.OpenAccountAsync(balance));
    }

    public async Task<Answer> RequestAccountAsync(string? key)
    {
        var answer = await (key is null ? AtBank.PostAsync(Part.Users, "/users/me/accounts") : AtBank.PostAsync(Part.Users, "/users/me/accounts", null, key));
        _requests.Add(answer["request_id"]!);
        return answer;
    }

    /// <summary>Waits until every request is granted, and takes the accounts into possession.</summary>
    public async Task ReceiveAccountsAsync()
    {
        foreach (var request in _requests)
            await Eventually.ReadAsync(() => AtBank.GetAsync(Part.Users, $"/users/me/accounts/requests/{request}"), answer => answer["status"] == "created");
        Accounts.Clear();
        Accounts.AddRange((await AtBank.GetAsync(Part.Users, "/users/me")).Body!["accounts"]!.AsArray().Select(id => id!.GetValue<long>()));
    }

    public async Task<JsonArray> StatementAsync() => (await AtBank.GetAsync(Part.Accounts, $"{AccountPath}/statement")).Body!.AsArray();

    public void Dispose()
    {
        foreach (var customer in _devices.Values)
            customer.Dispose();
    }
}
