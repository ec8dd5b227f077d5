using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Bank.Contracts;
using Bank.ServiceDefaults;

namespace Demo;

/// <summary>One customer's view of the bank: its routes, over HTTP.</summary>
internal sealed class BankApi(BankAddresses bank, string username) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly JsonSerializerOptions Json = CreateJson();

    private readonly HttpClient _http = new();

    public string Username => username;

    /// <summary>True if the customer is new.</summary>
    public async Task<bool> RegisterAsync(string password, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(bank.Users, "/register"), new { username, password }, Json, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Conflict)
            await ReadAsync<object>(response, HttpStatusCode.Created, cancellationToken);
        return response.StatusCode == HttpStatusCode.Created;
    }

    public async Task LogInAsync(string password, CancellationToken cancellationToken)
    {
        var login = await PostAsync<LoggedIn>(bank.Users, "/login", new { username, password }, HttpStatusCode.OK, cancellationToken);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", login.Token);
    }

    public async Task<IReadOnlyList<long>> AccountsAsync(CancellationToken cancellationToken) =>
        (await GetAsync<Customer>(bank.Users, "/users/me", cancellationToken)).Accounts;

    /// <summary>Asks for an account and waits for it.</summary>
    public async Task<long> OpenAccountAsync(CancellationToken cancellationToken)
    {
        var request = await PostAsync<AccountRequest>(bank.Users, "/users/me/accounts", new { }, HttpStatusCode.Accepted, cancellationToken);
        var path = $"/users/me/accounts/requests/{request.RequestId}";
        request = await PollAsync(() => GetAsync<AccountRequest>(bank.Users, path, cancellationToken), r => r.Status == "created", "the account to be created", cancellationToken);
        return request.AccountId ?? throw new DemoFailedException("An account was created without an id.");
    }

    public async Task<Money> BalanceAsync(long account, CancellationToken cancellationToken) =>
        (await GetAsync<AccountBalance>(bank.Accounts, $"/accounts/{account}", cancellationToken)).Balance;

    public Task<List<StatementLine>> StatementAsync(long account, CancellationToken cancellationToken) =>
        GetAsync<List<StatementLine>>(bank.Accounts, $"/accounts/{account}/statement", cancellationToken);

    public Task DepositAsync(long account, Money amount, CancellationToken cancellationToken) =>
        PostAsync<object>(bank.Accounts, $"/accounts/{account}/deposit", new { amount }, HttpStatusCode.Accepted, cancellationToken);

    /// <summary>Asks for a transfer and waits until it is decided.</summary>
    public async Task<TransferState> TransferAsync(long from, long to, Money amount, CancellationToken cancellationToken)
    {
        var body = new { from_account_id = from, to_account_id = to, amount };
        var state = await PostAsync<TransferState>(bank.Transactions, "/transactions", body, HttpStatusCode.Accepted, cancellationToken);
        var path = $"/transactions/{state.TransactionId}";
        return await PollAsync(() => GetAsync<TransferState>(bank.Transactions, path, cancellationToken), s => s.Status != "PENDING", "the transfer to be decided", cancellationToken);
    }

    /// <summary>The list of transfers, as soon as it shows what is expected: lists may lag.</summary>
    public Task<List<TransferLine>> TransfersAsync(Func<List<TransferLine>, bool> expected, CancellationToken cancellationToken) =>
        PollAsync(() => GetAsync<List<TransferLine>>(bank.Transactions, "/transactions", cancellationToken), expected, "the list of transfers to agree with the log", cancellationToken);

    public void Dispose() => _http.Dispose();

    private static async Task<T> PollAsync<T>(Func<Task<T>> get, Func<T, bool> done, string what, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var value = await get();
            if (done(value))
                return value;
            if (watch.Elapsed > Patience)
                throw new DemoFailedException($"Waited {Patience.TotalSeconds} s for {what}.");
            await Task.Delay(Pause, cancellationToken);
        }
    }

    private async Task<T> GetAsync<T>(Uri service, string path, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(new Uri(service, path), cancellationToken);
        return await ReadAsync<T>(response, HttpStatusCode.OK, cancellationToken);
    }

    private async Task<T> PostAsync<T>(Uri service, string path, object body, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(service, path), body, Json, cancellationToken);
        return await ReadAsync<T>(response, expected, cancellationToken);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var request = response.RequestMessage!;
        if (response.StatusCode != expected)
            throw new DemoFailedException($"{request.Method} {request.RequestUri} answered {(int)response.StatusCode} instead of {(int)expected}: {text}");
        return text.Length == 0 ? default! : JsonSerializer.Deserialize<T>(text, Json)!;
    }

    private static JsonSerializerOptions CreateJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        BankService.UseBankNames(json);
        return json;
    }

    internal sealed record StatementLine(DateTimeOffset Timestamp, Money Amount, string? Note, long? TransactionId);

    internal sealed record TransferState(long TransactionId, string Status, string? Reason);

    internal sealed record TransferLine(long TransactionId, long FromAccountId, long ToAccountId, Money Amount, string Status, string? Reason);

    private sealed record LoggedIn(string Token, int ExpiresIn);

    private sealed record Customer(string Username, IReadOnlyList<long> Accounts);

    private sealed record AccountRequest(Guid RequestId, string Status, long? AccountId);

    private sealed record AccountBalance(long AccountId, Money Balance);
}
