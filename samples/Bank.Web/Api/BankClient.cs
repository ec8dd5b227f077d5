using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Bank.Contracts;
using Bank.ServiceDefaults;

namespace Bank.Web.Api;

/// <summary>The routes of the bank's services. What they answer instead of a result is a <see cref="BankException"/>.</summary>
/// <param name="http">Sends; its time-out is longer than a service's own.</param>
/// <param name="services">Where they are.</param>
public sealed class BankClient(HttpClient http, ServiceAddresses services)
{
    private static readonly JsonSerializerOptions Json = CreateJson();

    /// <summary>The session; null before the log-in.</summary>
    public string? Token { get; set; }

    public Task RegisterAsync(string? username, string? password, CancellationToken cancellationToken) =>
        PostAsync<object>(services.Users, "/register", new { username, password }, null, cancellationToken);

    public Task<LoggedIn> LogInAsync(string? username, string? password, CancellationToken cancellationToken) =>
        PostAsync<LoggedIn>(services.Users, "/login", new { username, password }, null, cancellationToken);

    public Task LogOutAsync(CancellationToken cancellationToken) => PostAsync<object>(services.Users, "/logout", null, null, cancellationToken);

    public Task<Customer> MeAsync(CancellationToken cancellationToken) => GetAsync<Customer>(services.Users, "/users/me", cancellationToken);

    public Task<AccountRequest> RequestAccountAsync(string? key, CancellationToken cancellationToken) =>
        PostAsync<AccountRequest>(services.Users, "/users/me/accounts", null, key, cancellationToken);

    public Task<AccountRequest> AccountRequestAsync(Guid id, CancellationToken cancellationToken) =>
        GetAsync<AccountRequest>(services.Users, $"/users/me/accounts/requests/{id}", cancellationToken);

    public async Task<AccountBalance> BalanceAsync(long account, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(services.Accounts, $"/accounts/{account}"));
        using var response = await SendAsync(request, cancellationToken);
        var balance = await ReadAsync<AccountBalance>(response, cancellationToken);
        var told = response.Headers.TryGetValues(ReadYourWrites.Header, out var values) ? values.First() : null;
        return balance with { Position = long.TryParse(told, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position : null };
    }

    public Task<List<StatementLine>> StatementAsync(long account, CancellationToken cancellationToken) =>
        GetAsync<List<StatementLine>>(services.Accounts, $"/accounts/{account}/statement", cancellationToken);

    public Task DepositAsync(long account, Money amount, string? key, CancellationToken cancellationToken) =>
        PostAsync<object>(services.Accounts, $"/accounts/{account}/deposit", new { amount }, key, cancellationToken);

    public Task WithdrawAsync(long account, Money amount, string? key, CancellationToken cancellationToken) =>
        PostAsync<object>(services.Accounts, $"/accounts/{account}/withdrawal", new { amount }, key, cancellationToken);

    public Task<TransferState> TransferAsync(long from, long to, Money amount, string? key, CancellationToken cancellationToken) =>
        PostAsync<TransferState>(services.Transactions, "/transactions", new { from_account_id = from, to_account_id = to, amount }, key, cancellationToken);

    public Task<TransferState> TransferAsync(long id, CancellationToken cancellationToken) =>
        GetAsync<TransferState>(services.Transactions, $"/transactions/{id}", cancellationToken);

    /// <summary>The last ones, newest first. It may lag.</summary>
    public Task<List<TransferLine>> TransfersAsync(CancellationToken cancellationToken) =>
        GetAsync<List<TransferLine>>(services.Transactions, "/transactions", cancellationToken);

    private async Task<T> GetAsync<T>(Uri service, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service, path));
        using var response = await SendAsync(request, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<T> PostAsync<T>(Uri service, string path, object? body, string? key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(service, path)) { Content = JsonContent.Create(body ?? new { }, options: Json) };
        if (key is not null)
            request.Headers.Add(Idempotency.Header, key);
        using var response = await SendAsync(request, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (Token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        try
        {
            return await http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            var reachedNobody = e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;
            throw new BankException(null, $"{request.RequestUri!.Authority} does not answer.", wasSent: !reachedNobody);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BankException(null, $"{request.RequestUri!.Authority} did not answer in time.");
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            if (response.IsSuccessStatusCode)
                return text.Length == 0 && typeof(T) == typeof(object) ? default! : JsonSerializer.Deserialize<T>(text, Json) ?? throw new JsonException();
            var problem = response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? JsonSerializer.Deserialize<Problem>(text, Json) : null;
            throw new BankException(response.StatusCode, problem?.Detail ?? problem?.Title ?? $"The bank answered {(int)response.StatusCode}.", problem?.Reason, problem?.Errors);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: it names an encoding that there is not
        {
            throw new BankException(null, $"{response.RequestMessage!.RequestUri!.Authority} answered what cannot be read.");
        }
    }

    private static JsonSerializerOptions CreateJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        BankService.UseBankNames(json);
        return json;
    }

    private sealed record Problem(string? Title, string? Detail, string? Reason, Dictionary<string, string[]>? Errors);
}
