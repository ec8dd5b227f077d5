using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Bank.Accounts;
using Bank.Contracts;
using Bank.Transactions;
using Bank.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sequent.Bus;
using Sequent.Client;

namespace Bank.Tests;

/// <summary>What can be started and stopped by itself.</summary>
internal enum Part
{
    Bus,
    Users,
    Accounts,
    Transactions,
}

/// <summary>Where the services keep their state.</summary>
public enum Storage
{
    Sqlite,
    Postgres,
}

/// <summary>The real services and a real bus in this process, on free ports and on files in a folder of their own. Each part can be stopped alone.</summary>
/// <param name="storage">Where the services keep their state.</param>
/// <param name="users">What Users gets instead of its own: a clock the test turns, of its sessions, its repeating and the SDK's pauses in it.</param>
/// <param name="postgres">The PostgreSQL, if the test needs one of its own.</param>
internal sealed class BankUnderTest(Storage storage, Action<IServiceCollection>? users = null, PostgresServer? postgres = null) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bank-tests-").FullName;
    private readonly Dictionary<Part, WebApplication> _parts = [];
    private readonly Dictionary<Part, Uri> _addresses = [];

    public Uri this[Part part] => _addresses[part];

    private string Postgres => postgres?.Connection ?? SharedPostgres.Connection;

    public string BusAddress => this[Part.Bus].OriginalString.Replace("http://", "ws://", StringComparison.Ordinal);

    public static async Task<BankUnderTest> StartAsync(Storage storage, Action<IServiceCollection>? users = null)
    {
        var bank = new BankUnderTest(storage, users);
        foreach (var part in Enum.GetValues<Part>())
            await bank.StartAsync(part);
        return bank;
    }

    public static async Task<BankUnderTest> StartBusAsync(Storage storage = Storage.Sqlite)
    {
        var bank = new BankUnderTest(storage);
        await bank.StartAsync(Part.Bus);
        return bank;
    }

    public async Task StartAsync(Part part, CancellationToken cancellationToken = default)
    {
        var app = Build(part);
        _parts[part] = app;
        await app.StartAsync(cancellationToken);
        _addresses[part] = new Uri(app.Urls.First());
    }

    /// <summary>Another instance of a service, on the same state; it ends when it is disposed.</summary>
    public async Task<Instance> StartSecondAsync(Part part)
    {
        var app = Build(part);
        await app.StartAsync();
        return new Instance(app);
    }

    private WebApplication Build(Part part) => part switch
    {
        Part.Users => UsersService.Build(Arguments(part, "users"), builder => users?.Invoke(builder.Services)),
        Part.Accounts => AccountsService.Build(Arguments(part, "accounts")),
        Part.Transactions => TransactionsService.Build(Arguments(part, "transactions")),
        _ => BuildBus(),
    };

    public async Task StopAsync(Part part)
    {
        if (!_parts.Remove(part, out var app))
            return;
        await app.StopAsync();
        await app.DisposeAsync();
    }

    /// <summary>Replaces the bus by an empty one at its address.</summary>
    public async Task ReplaceBusAsync()
    {
        await StopAsync(Part.Bus);
        SqliteConnection.ClearAllPools();
        foreach (var path in Directory.GetFiles(_folder, "bus.db*"))
            File.Delete(path);
        await StartAsync(Part.Bus);
    }

    /// <summary>Waits until a part says that it is ready.</summary>
    public async Task ReadyAsync(Part part)
    {
        using var http = new HttpClient();
        await Eventually.ReadAsync(() => http.GetAsync(new Uri(this[part], "/health/ready")), answer => answer.IsSuccessStatusCode);
    }

    /// <summary>Deletes the state of a part; one that runs may make it anew.</summary>
    public async Task DeleteAsync(string state)
    {
        SqliteConnection.ClearAllPools();
        foreach (var path in Directory.GetFiles(_folder, $"{state}.db*"))
            File.Delete(path);
        if (storage == Storage.Postgres)
        {
            NpgsqlConnection.ClearAllPools();
            await using var server = NpgsqlDataSource.Create(Postgres);
            await using var drop = server.CreateCommand($"DROP DATABASE IF EXISTS {DatabaseOf(state)} WITH (FORCE)");
            await drop.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Takes the database of Users away until this bank ends.</summary>
    public async Task CutOffUsersAsync()
    {
        if (storage == Storage.Sqlite)
        {
            await ReplaceByFolderAsync("users");
            return;
        }

        await using var server = NpgsqlDataSource.Create(Postgres);
        await using var close = server.CreateCommand(
            $"ALTER DATABASE {DatabaseOf("users")} ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DatabaseOf("users")}'");
        await close.ExecuteNonQueryAsync();
    }

    /// <summary>A folder is no file that could be opened. A service that runs may make the file anew between the two steps: then they are taken again.</summary>
    private async Task ReplaceByFolderAsync(string state)
    {
        const int Attempts = 100;
        var path = Path.Combine(_folder, $"{state}.db");
        for (var attempt = 1; !Directory.Exists(path); attempt++)
        {
            await DeleteAsync(state);
            try
            {
                Directory.CreateDirectory(path);
            }
            catch (IOException) when (attempt < Attempts && File.Exists(path))
            {
            }
        }
    }

    public string StateOf(string state) => storage == Storage.Postgres
        ? $"{Postgres};Database={DatabaseOf(state)};Maximum Pool Size=20"
        : $"Data Source={Path.Combine(_folder, state)}.db";

    /// <summary>The database of a part that runs.</summary>
    public TContext OpenState<TContext>(Part part)
        where TContext : DbContext => _parts[part].Services.GetRequiredService<IDbContextFactory<TContext>>().CreateDbContext();

    public SequentClient CreateBusClient()
    {
        var options = new SequentOptions { Server = new Uri(BusAddress) };
        BankJson.Use(options);
        return new SequentClient(options);
    }

    /// <summary>Registers a customer with a name of its own and logs in.</summary>
    public async Task<Customer> NewCustomerAsync()
    {
        var customer = new Customer(this, $"c{Guid.NewGuid():N}"[..20]);
        await customer.PostAsync(Part.Users, "/register", new { username = customer.Name, password = Customer.Password });
        await customer.LogInAsync();
        return customer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in Enum.GetValues<Part>().Reverse())
            await StopAsync(part);
        foreach (var state in new[] { "users", "accounts", "transactions" })
            await DeleteAsync(state);
        Directory.Delete(_folder, recursive: true);
    }

    private string DatabaseOf(string state) => $"{state}_{Path.GetFileName(_folder).Replace('-', '_').ToLowerInvariant()}";

    /// <summary>What comes back has its old address, unless it runs there already.</summary>
    private string AddressFor(Part part) => _addresses.TryGetValue(part, out var address) && !_parts.ContainsKey(part) ? address.OriginalString : "http://127.0.0.1:0";

    private WebApplication BuildBus()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(AddressFor(Part.Bus));
        builder.Logging.ClearProviders();
        builder.Services.AddSequentBus(o => o.DataFile = Path.Combine(_folder, "bus.db"));
        var app = builder.Build();
        app.MapSequentBus("/{**path}");
        return app;
    }

    private string[] Arguments(Part part, string state) =>
    [
        $"--Urls={AddressFor(part)}",
        $"--Sequent:Server={BusAddress}",
        $"--Users:Url={_addresses.GetValueOrDefault(Part.Users, new Uri("http://127.0.0.1:1"))}",
        $"--ConnectionStrings:State={StateOf(state)}",
        "--Logging:LogLevel:Default=None",
        "--Logging:LogLevel:Microsoft.AspNetCore=None",
    ];
}

/// <summary>One more instance of a service.</summary>
internal sealed class Instance(WebApplication app) : IAsyncDisposable
{
    public Uri Address => new(app.Urls.First());

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
    }
}

/// <summary>What a service answered.</summary>
internal sealed record Answer(int Status, JsonNode? Body, HttpResponseMessage Response)
{
    public string? this[string property] => Body?[property]?.ToString();
}

/// <summary>Somebody who uses the bank over HTTP.</summary>
internal sealed class Customer(BankUnderTest bank, string name) : IDisposable
{
    public const string Password = "a long password";

    private readonly HttpClient _http = new();

    public string Name => name;

    public string? Token
    {
        get => _http.DefaultRequestHeaders.Authorization?.Parameter;
        set => _http.DefaultRequestHeaders.Authorization = value is null ? null : new("Bearer", value);
    }

    public async Task LogInAsync() =>
        Token = (await PostAsync(Part.Users, "/login", new { username = name, password = Password }))["token"];

    public Task<Answer> GetAsync(Part part, string path) => ReadAsync(_http.GetAsync(new Uri(bank[part], path)));

    /// <summary>An answer as it is, whatever it is.</summary>
    public Task<(int Status, string Text)> GetTextAsync(Part part, string path) => GetTextAsync(bank[part], path);

    public async Task<(int Status, string Text)> GetTextAsync(Uri address, string path)
    {
        using var response = await _http.GetAsync(new Uri(address, path));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task<Answer> GetAsync(Part part, string path, string header, string? value) => SendAsync(HttpMethod.Get, part, path, null, header, value);

    public Task<Answer> PostAsync(Part part, string path, object? body = null, Uri? at = null) => ReadAsync(_http.PostAsJsonAsync(new Uri(at ?? bank[part], path), body ?? new { }));

    /// <summary>Asks for a change that may be repeated.</summary>
    public Task<Answer> PostAsync(Part part, string path, object? body, string idempotencyKey) => SendAsync(HttpMethod.Post, part, path, body ?? new { }, "Idempotency-Key", idempotencyKey);

    public async Task<Answer> SendAsync(HttpMethod method, Part part, string path, object? body, string? header = null, string? value = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(bank[part], path)) { Content = body is null ? null : JsonContent.Create(body) };
        if (header is not null)
            request.Headers.TryAddWithoutValidation(header, value);
        return await ReadAsync(_http.SendAsync(request));
    }

    /// <summary>Opens an account, with money on it if an amount is given.</summary>
    public async Task<long> OpenAccountAsync(string? deposit = null)
    {
        var request = await PostAsync(Part.Users, "/users/me/accounts");
        var path = $"/users/me/accounts/requests/{request["request_id"]}";
        var created = await Eventually.ReadAsync(() => GetAsync(Part.Users, path), answer => answer["status"] == "created");
        var id = created.Body!["account_id"]!.GetValue<long>();
        if (deposit is not null)
            Assert.That((await PostAsync(Part.Accounts, $"/accounts/{id}/deposit", new { amount = deposit })).Status, Is.EqualTo(202));
        return id;
    }

    public async Task<string?> BalanceAsync(long account) => (await GetAsync(Part.Accounts, $"/accounts/{account}"))["balance"];

    /// <summary>Asks for a transfer and waits until it is decided.</summary>
    public async Task<Answer> TransferAsync(long from, long to, string amount)
    {
        var answer = await PostAsync(Part.Transactions, "/transactions", new { from_account_id = from, to_account_id = to, amount });
        Assert.That((answer.Status, answer["status"]), Is.EqualTo((202, "PENDING")));
        return await Eventually.ReadAsync(() => GetAsync(Part.Transactions, $"/transactions/{answer["transaction_id"]}"), a => a["status"] != "PENDING");
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Answer> ReadAsync(Task<HttpResponseMessage> sending)
    {
        var response = await sending;
        var text = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text), response);
    }
}
