using System.Net;
using System.Net.Sockets;
using Bank.Contracts;
using Bank.ServiceDefaults;
using Bank.Tests;
using Bank.Web.Api;
using Bank.Web.Tests.Support;

namespace Bank.Web.Tests;

/// <summary>What the page makes of the services' answers, and of none.</summary>
public class BankClientTests
{
    private const string Me = "/users/me";
    private const string Deposit = "/accounts/1/deposit";

    private Services _services = null!;
    private HttpClient _http = null!;
    private BankClient _bank = null!;

    [SetUp]
    public void Create()
    {
        _services = new Services();
        _http = new HttpClient(_services);
        _bank = new BankClient(_http, Services.Addresses);
    }

    [TearDown]
    public void Leave()
    {
        _http.Dispose();
        _services.Dispose();
    }

    [Test]
    public async Task A_problem_says_its_status_its_reason_and_what_is_wrong_with_which_field()
    {
        const string Problem = """{"title":"No.","detail":"Not that much.","reason":"insufficient_funds","errors":{"amount":["Too much."]}}""";
        _services.Answer(Deposit, Problem, HttpStatusCode.Conflict, "application/problem+json");

        var failure = await FailureOfAsync(() => DepositAsync("key"));

        Assert.That((failure.Status, failure.Reason, failure.Message), Is.EqualTo((HttpStatusCode.Conflict, Reasons.InsufficientFunds, "Not that much.")));
        Assert.That(failure.Errors["amount"], Is.EqualTo(new[] { "Too much." }));
        Assert.That((failure.IsAway, failure.IsSignedOut), Is.EqualTo((false, false)));
    }

    [Test]
    public async Task A_refusal_that_is_no_problem_has_its_status_at_least()
    {
        _services.Answer(Me, "<html>No</html>", HttpStatusCode.Unauthorized, "text/html");

        var failure = await FailureOfAsync(() => _bank.MeAsync(CancellationToken.None));

        Assert.That((failure.Status, failure.Reason, failure.Errors.Count), Is.EqualTo((HttpStatusCode.Unauthorized, (string?)null, 0)));
        Assert.That((failure.IsAway, failure.IsSignedOut), Is.EqualTo((false, true)));
    }

    [TestCase(HttpStatusCode.InternalServerError)]
    [TestCase(HttpStatusCode.BadGateway)]
    [TestCase(HttpStatusCode.ServiceUnavailable)]
    public async Task A_service_that_fails_is_away_and_may_have_done_what_it_was_asked(HttpStatusCode status)
    {
        _services.Answer(Deposit, "<html>Sorry</html>", status, "text/html");

        var failure = await FailureOfAsync(() => DepositAsync("key"));

        Assert.That((failure.Status, failure.IsAway, failure.WasSent), Is.EqualTo((status, true, true)));
    }

    [Test]
    public async Task What_nobody_listened_to_was_not_sent()
    {
        using var http = new HttpClient();
        var nobody = new Uri($"http://127.0.0.1:{FreePort()}");
        var bank = new BankClient(http, new ServiceAddresses(nobody, nobody, nobody));

        var failure = await FailureOfAsync(() => bank.DepositAsync(1, Money.Least, "key", CancellationToken.None));

        Assert.That((failure.Status, failure.IsAway, failure.WasSent), Is.EqualTo(((HttpStatusCode?)null, true, false)));
    }

    [Test]
    public async Task What_somebody_took_and_did_not_answer_was_sent()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var http = new HttpClient();
        var silent = new Uri($"http://{listener.LocalEndpoint}");
        var bank = new BankClient(http, new ServiceAddresses(silent, silent, silent));

        var asking = bank.DepositAsync(1, Money.Least, "key", CancellationToken.None);
        using (var connection = await listener.AcceptTcpClientAsync())
            await connection.GetStream().ReadExactlyAsync(new byte[1]);
        var failure = await FailureOfAsync(() => asking);

        Assert.That((failure.Status, failure.IsAway, failure.WasSent), Is.EqualTo(((HttpStatusCode?)null, true, true)));
    }

    [Test]
    public async Task What_is_not_answered_in_time_was_sent()
    {
        _services.Hold(Deposit);
        _http.Timeout = TimeSpan.FromMilliseconds(50);

        var failure = await FailureOfAsync(() => DepositAsync("key"));

        Assert.That((failure.Status, failure.IsAway, failure.WasSent), Is.EqualTo(((HttpStatusCode?)null, true, true)));
    }

    [Test]
    public async Task Who_stops_waiting_meets_no_failure_of_the_bank()
    {
        _services.Hold(Me);
        using var stop = new CancellationTokenSource();

        var asking = _bank.MeAsync(stop.Token);
        await Eventually.ReadAsync(() => Task.FromResult(_services.Paths.Count), count => count == 1);
        await stop.CancelAsync();

        await Assert.ThatAsync(() => asking, Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase("<html>Welcome</html>", "text/html")]
    [TestCase("{", Services.Json)]
    [TestCase("null", Services.Json)]
    [TestCase("", Services.Json)]
    [TestCase("""{"account_id":1,"balance":12.5}""", Services.Json)]
    public async Task What_cannot_be_read_is_no_answer(string body, string mediaType)
    {
        _services.Answer("/accounts/1", body, mediaType: mediaType);

        var failure = await FailureOfAsync(() => _bank.BalanceAsync(1, CancellationToken.None));

        Assert.That((failure.Status, failure.IsAway, failure.WasSent), Is.EqualTo(((HttpStatusCode?)null, true, true)));
    }

    [Test]
    public async Task A_change_needs_no_more_of_an_answer_than_its_success()
    {
        _services.Answer(Deposit, "", HttpStatusCode.NoContent);

        await DepositAsync("key");

        Assert.That(_services.Paths, Is.EqualTo(new[] { Deposit }));
    }

    [TestCase(17, 17)]
    [TestCase(null, null)]
    public async Task A_balance_has_its_position_if_it_is_told(long? told, long? position)
    {
        _services.Answer("/accounts/1", """{"account_id":1,"balance":"12.50"}""", position: told);

        var balance = await _bank.BalanceAsync(1, CancellationToken.None);

        Assert.That(balance, Is.EqualTo(new AccountBalance(1, new Money(12_50), position)));
    }

    [Test]
    public async Task Each_request_says_who_asks()
    {
        _services.Answer(Me, """{"username":"ada","accounts":[]}""");
        _bank.Token = "secret";

        await _bank.MeAsync(CancellationToken.None);

        Assert.That(_services.Requests.Single().Headers.Authorization?.ToString(), Is.EqualTo("Bearer secret"));
    }

    [Test]
    public async Task Before_the_log_in_nobody_is_named()
    {
        _services.Answer("/login", """{"token":"secret","expires_in":60}""");

        var session = await _bank.LogInAsync("ada", "a long password", CancellationToken.None);

        Assert.That(session, Is.EqualTo(new LoggedIn("secret", 60)));
        Assert.That(_services.Requests.Single().Headers.Authorization, Is.Null);
    }

    [Test]
    public async Task A_change_has_its_key_and_one_without_a_key_has_none()
    {
        _services.Answer(Deposit, "");

        await DepositAsync("key");
        await DepositAsync(null);

        Assert.That(_services.Requests[0].Headers.GetValues(Idempotency.Header), Is.EqualTo(new[] { "key" }));
        Assert.That(_services.Requests[1].Headers.Contains(Idempotency.Header), Is.False);
    }

    private Task DepositAsync(string? key) => _bank.DepositAsync(1, Money.Least, key, CancellationToken.None);

    private static async Task<BankException> FailureOfAsync(Func<Task> ask) => (await Assert.ThrowsAsync<BankException>(() => ask()))!;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
