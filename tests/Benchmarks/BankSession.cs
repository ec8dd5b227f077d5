using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EndToEnd.Fire;

namespace Sequent.Benchmarks;

/// <summary>A customer of the bank who has logged in, and asks the instances of a service in turn.</summary>
internal sealed class BankSession : IDisposable
{
    private const string Password = "only-measured";

    private readonly BankProcesses _bank;
    private readonly HttpClient _http = new();
    private int _turn;

    private BankSession(BankProcesses bank) => _bank = bank;

    public static async Task<BankSession> StartAsync(BankProcesses bank, string username)
    {
        var session = new BankSession(bank);
        var who = new JsonObject { ["username"] = username, ["password"] = Password };
        await session.PostAsync(bank.Users, "/register", who, HttpStatusCode.Created);
        var login = await session.PostAsync(bank.Users, "/login", who, HttpStatusCode.OK);
        session._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", login!["token"]!.GetValue<string>());
        return session;
    }

    /// <summary>Opens an account with enough on it for everything that is measured.</summary>
    public async Task<long> OpenAsync()
    {
        var request = await PostAsync(_bank.Users, "/users/me/accounts", [], HttpStatusCode.Accepted);
        var state = request!;
        while (state["account_id"] is null)
            state = await GetAsync(_bank.Users, $"/users/me/accounts/requests/{request!["request_id"]}");
        var id = state["account_id"]!.GetValue<long>();
        await PostAsync(_bank.Accounts, string.Create(CultureInfo.InvariantCulture, $"/accounts/{id}/deposit"), new JsonObject { ["amount"] = "1000000.00" }, HttpStatusCode.Accepted);
        return id;
    }

    /// <summary>Returns its id as soon as it is accepted for deciding.</summary>
    public async Task<long> TransferAsync(long from, long to)
    {
        var body = new JsonObject { ["from_account_id"] = from, ["to_account_id"] = to, ["amount"] = "0.01" };
        return (await PostAsync(_bank.Transactions, "/transactions", body, HttpStatusCode.Accepted))!["transaction_id"]!.GetValue<long>();
    }

    /// <summary>Asks until it is carried out, without a pause.</summary>
    public async Task SettledAsync(long id)
    {
        while ((await GetAsync(_bank.Transactions, string.Create(CultureInfo.InvariantCulture, $"/transactions/{id}")))["status"]!.GetValue<string>() != "ACCEPTED")
        {
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonNode?> PostAsync(IReadOnlyList<RestartableProcess> instances, string path, JsonObject body, HttpStatusCode expected)
    {
        using var response = await _http.PostAsJsonAsync(AddressOf(instances, path), body);
        return await ReadAsync(response, expected);
    }

    private async Task<JsonNode> GetAsync(IReadOnlyList<RestartableProcess> instances, string path)
    {
        using var response = await _http.GetAsync(AddressOf(instances, path));
        return (await ReadAsync(response, HttpStatusCode.OK))!;
    }

    private Uri AddressOf(IReadOnlyList<RestartableProcess> instances, string path) =>
        new(instances[(int)((uint)Interlocked.Increment(ref _turn) % (uint)instances.Count)].Address, path);

    private static async Task<JsonNode?> ReadAsync(HttpResponseMessage response, HttpStatusCode expected)
    {
        var body = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != expected)
            throw new InvalidOperationException($"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri} answered {(int)response.StatusCode}: {body}");
        return body.Length == 0 ? null : JsonNode.Parse(body);
    }
}
