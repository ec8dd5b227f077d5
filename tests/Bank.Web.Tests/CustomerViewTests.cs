using System.Net;
using Bank.Contracts;
using Bank.Tests;
using Bank.Web.Api;
using Bank.Web.Live;
using Bank.Web.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Part = Bank.Web.Live.Part;

namespace Bank.Web.Tests;

/// <summary>What a page knows while the services answer, fail and come back.</summary>
public class CustomerViewTests
{
    private const string Me = "/users/me";
    private const string Transfers = "/transactions";
    private const string Statement = "/accounts/1/statement";

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private CountedTime _time = null!;
    private Services _services = null!;
    private HttpClient _http = null!;
    private CustomerView _view = null!;
    private int _changes;
    private bool _isLeft;

    [SetUp]
    public void Create()
    {
        _time = new CountedTime();
        _services = new Services();
        _http = new HttpClient(_services);
        _view = new CustomerView(new BankClient(_http, Services.Addresses), _time, NullLogger<CustomerView>.Instance);
        (_changes, _isLeft) = (0, false);
        _view.Changed += () => Interlocked.Increment(ref _changes);

        _services.Answer(Me, """{"username":"ada","accounts":[1,2]}""");
        _services.Answer(Transfers, """[{"transaction_id":7,"from_account_id":1,"to_account_id":2,"amount":"1.00","status":"ACCEPTED"}]""");
        SetBalance(1, "10.00", position: 5);
        SetBalance(2, "20.00", position: 6);
        _services.Answer(Statement, """[{"timestamp":"2025-01-01T00:00:00Z","amount":"10.00","note":"deposit"}]""");
    }

    [TearDown]
    public async Task LeaveAsync()
    {
        if (!_isLeft)
            await _view.DisposeAsync();
        _http.Dispose();
        _services.Dispose();
    }

    [Test]
    public async Task It_tells_of_a_change_only_when_something_looks_different()
    {
        await StartAsync();
        var atFirst = _changes;
        await _view.RefreshAsync();
        var afterTheSame = _changes;

        SetBalance(1, "11.00", position: 7);
        await _view.RefreshAsync();
        var afterABalance = _changes;
        _services.Fail(Services.Transactions, HttpStatusCode.ServiceUnavailable);
        await _view.RefreshAsync();
        await _view.RefreshAsync();
        var afterAnAbsence = _changes;

        Assert.That((atFirst, afterTheSame, afterABalance, afterAnAbsence), Is.EqualTo((1, 1, 2, 3)));
    }

    [Test]
    public async Task It_asks_again_by_itself()
    {
        await StartAsync();
        SetBalance(1, "11.00", position: 7);

        await PassAsync(TimeSpan.FromMilliseconds(250));

        Assert.That(_view.Now.Total, Is.EqualTo(new Money(31_00)));
        Assert.That(_view.Now.CompleteAt, Is.EqualTo(_time.GetUtcNow()));
    }

    [Test]
    public async Task While_Users_is_away_the_known_accounts_go_on_showing_and_only_Users_is_named()
    {
        await StartAsync();
        var completeAt = _view.Now.CompleteAt;

        _services.Fail(Services.Users, HttpStatusCode.ServiceUnavailable);
        SetBalance(2, "21.00", position: 7);
        await PassAsync(TimeSpan.FromMilliseconds(250));
        var balances = Balances();
        _services.Fail(Services.Accounts, HttpStatusCode.ServiceUnavailable);
        _services.Fail(Services.Transactions, HttpStatusCode.ServiceUnavailable);
        await PassAsync(TimeSpan.FromSeconds(1));

        Assert.That(balances, Is.EqualTo(new[] { (1, new Money(10_00)), (2, new Money(21_00)) }), "they are read although Users does not say whose they are");
        Assert.That(Balances(), Is.EqualTo(balances));
        Assert.That(_view.Now.Transfers, Has.Count.EqualTo(1));
        Assert.That(_view.Now.Away, Is.EqualTo(new[] { Part.Users }));
        Assert.That(_view.Now.CompleteAt, Is.EqualTo(completeAt));
    }

    [Test]
    public async Task While_Accounts_is_away_its_balances_stay_and_only_it_is_named()
    {
        await StartAsync();
        var before = _view.Now;

        _services.Fail(Services.Accounts, HttpStatusCode.ServiceUnavailable);
        _services.Answer(Transfers, "[]");
        await PassAsync(TimeSpan.FromMilliseconds(250));

        Assert.That(_view.Now.Accounts, Is.EqualTo(before.Accounts));
        Assert.That(_view.Now.Transfers, Is.Empty, "this one is there");
        Assert.That(_view.Now.Away, Is.EqualTo(new[] { Part.Accounts }));
        Assert.That(_view.Now.CompleteAt, Is.EqualTo(before.CompleteAt));
    }

    [Test]
    public async Task While_Transactions_is_away_the_transfers_stay_and_only_it_is_named()
    {
        await StartAsync();
        var before = _view.Now;

        _services.Fail(Services.Transactions, HttpStatusCode.ServiceUnavailable);
        SetBalance(1, "11.00", position: 7);
        await PassAsync(TimeSpan.FromMilliseconds(250));

        Assert.That(_view.Now.Transfers, Is.EqualTo(before.Transfers));
        Assert.That(_view.Now.Total, Is.EqualTo(new Money(31_00)), "the others are there");
        Assert.That(_view.Now.Away, Is.EqualTo(new[] { Part.Transactions }));
        Assert.That(_view.Now.CompleteAt, Is.EqualTo(before.CompleteAt));
    }

    [Test]
    public async Task What_is_back_is_away_no_more()
    {
        _services.Fail(Services.Users, HttpStatusCode.ServiceUnavailable);
        await StartAsync();
        var atFirst = _view.Now;

        _services.Recover(Services.Users);
        await PassAsync(TimeSpan.FromSeconds(1));

        Assert.That((atFirst.Accounts, atFirst.CompleteAt), Is.EqualTo(((IReadOnlyList<AccountBalance>?)null, (DateTimeOffset?)null)));
        Assert.That(atFirst.Away, Is.EqualTo(new[] { Part.Users }));
        Assert.That(_view.Now.Away, Is.Empty);
        Assert.That(_view.Now.CompleteAt, Is.EqualTo(_time.GetUtcNow()));
    }

    [Test]
    public async Task Who_answers_what_cannot_be_read_is_away(
        [Values(Part.Users, Part.Accounts, Part.Transactions)] Part part,
        [Values("<html>Welcome</html>", "{\"accounts\":", "\"well\"", "null", "")] string body,
        [Values(Services.Json, "text/html", "text/html; charset=nonsense")] string mediaType)
    {
        await StartAsync();
        var before = _view.Now;

        _services.Answer(ServiceOf(part), body, mediaType: mediaType);
        await _view.RefreshAsync();

        Assert.That(_view.Now.Away, Is.EqualTo(new[] { part }));
        Assert.That((Balances(), _view.Now.Transfers), Is.EqualTo((BalancesOf(before), before.Transfers)));
    }

    [Test]
    public async Task A_statement_that_cannot_be_read_stays_while_its_balance_is_new()
    {
        await StartAsync(watched: 1);
        var before = _view.Now;

        SetBalance(1, "11.00", position: 7);
        _services.Fail(Statement, HttpStatusCode.ServiceUnavailable);
        await _view.RefreshAsync();

        Assert.That(_view.Now.Total, Is.EqualTo(new Money(11_00)));
        Assert.That(_view.Now.Statement, Is.EqualTo(before.Statement));
        Assert.That(_view.Now.Away, Is.EqualTo(new[] { Part.Accounts }));
    }

    [TestCase(Services.Users)]
    [TestCase(Services.Accounts)]
    [TestCase(Services.Transactions)]
    public async Task When_the_session_is_over_it_tells_so_and_asks_nothing_any_more(string service)
    {
        await StartAsync();
        var changes = _changes;

        _services.Fail(service, HttpStatusCode.Unauthorized);
        await PassAsync(TimeSpan.FromMilliseconds(250));
        var asked = _services.Paths;
        _time.Advance(TimeSpan.FromMinutes(1));
        await _view.RefreshAsync();

        Assert.That(_view.IsSignedOut, Is.True);
        Assert.That(_changes, Is.GreaterThan(changes));
        Assert.That(_services.Paths, Is.EqualTo(asked));
    }

    [Test]
    public async Task Who_is_signed_out_is_asked_for_nothing_with_a_session_that_is_over()
    {
        await StartAsync();
        var asked = _services.Paths.Count;

        _services.Fail(Services.Users, HttpStatusCode.Unauthorized);
        await _view.RefreshAsync();

        Assert.That(_services.Paths.Skip(asked), Is.EqualTo(new[] { Me }));
    }

    [Test]
    public async Task A_statement_is_asked_for_only_when_something_is_new_in_it()
    {
        await StartAsync(watched: 1);
        await _view.RefreshAsync();
        await _view.RefreshAsync();
        var whileNothingIsNew = Asked(Statement);

        SetBalance(1, "11.00", position: 7);
        await _view.RefreshAsync();
        await _view.RefreshAsync();

        Assert.That((whileNothingIsNew, Asked(Statement)), Is.EqualTo((1, 2)));
    }

    [Test]
    public async Task A_statement_is_asked_for_each_time_if_nobody_says_whether_something_is_new_in_it()
    {
        SetBalance(1, "10.00", position: null);

        await StartAsync(watched: 1);
        await _view.RefreshAsync();
        await _view.RefreshAsync();

        Assert.That(Asked(Statement), Is.EqualTo(3));
    }

    [Test]
    public async Task A_statement_that_says_the_same_looks_the_same()
    {
        SetBalance(1, "10.00", position: null);
        await StartAsync(watched: 1);
        var before = _changes;

        await _view.RefreshAsync();
        var afterTheSame = _changes;
        _services.Answer(Statement, "[]");
        await _view.RefreshAsync();

        Assert.That((afterTheSame - before, _changes - before), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task Of_the_accounts_only_the_watched_one_is_read()
    {
        await StartAsync(watched: 1);

        Assert.That(Balances(), Is.EqualTo(new[] { (1, new Money(10_00)) }));
        Assert.That(_services.Paths, Is.EquivalentTo(new[] { Me, Transfers, "/accounts/1", Statement }));
    }

    [Test]
    public async Task An_account_of_somebody_else_is_not_asked_for()
    {
        await StartAsync(watched: 3);

        Assert.That((_view.Now.Accounts!.Count, _view.Now.Away.Count), Is.EqualTo((0, 0)));
        Assert.That(_services.Paths, Is.EquivalentTo(new[] { Me, Transfers }));
    }

    [Test]
    public async Task While_it_is_paused_nothing_is_asked_and_afterwards_it_goes_on()
    {
        await StartAsync();
        var asked = _services.Paths.Count;

        _view.IsPaused = true;
        SetBalance(1, "11.00", position: 7);
        for (var round = 0; round < 10; round++)
            await PassAsync(TimeSpan.FromMilliseconds(250));
        var askedWhilePaused = _services.Paths.Count - asked;
        _view.IsPaused = false;
        await PassAsync(TimeSpan.FromMilliseconds(250));

        Assert.That(askedWhilePaused, Is.Zero);
        Assert.That(_view.Now.Total, Is.EqualTo(new Money(31_00)));
    }

    [Test]
    public async Task Leaving_ends_a_request_that_is_under_way_and_what_waits_for_it()
    {
        _services.Hold(Me);
        _view.Start("token");
        await UntilAsync(() => _services.Paths.Count == 1);
        var waiting = _view.RefreshAsync();

        await _view.DisposeAsync().AsTask().WaitAsync(Bound);
        _isLeft = true;

        await Assert.ThatAsync(() => waiting.WaitAsync(Bound), Throws.InstanceOf<OperationCanceledException>());
        await Assert.ThatAsync(() => _view.RefreshAsync().WaitAsync(Bound), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_services.Paths, Has.Count.EqualTo(1));
    }

    private async Task StartAsync(long? watched = null)
    {
        _view.Start("token", watched);
        await UntilAsync(() => _time.Waits > 0);
    }

    /// <summary>Until it has asked once more, or passed over it.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        var waits = _time.Waits;
        _time.Advance(time);
        await UntilAsync(() => _time.Waits > waits);
    }

    private static Task<bool> UntilAsync(Func<bool> condition) => Eventually.ReadAsync(() => Task.FromResult(condition()), met => met);

    private void SetBalance(long account, string balance, long? position) =>
        _services.Answer($"/accounts/{account}", $$"""{"account_id":{{account}},"balance":"{{balance}}"}""", position: position);

    private static string ServiceOf(Part part) => part switch
    {
        Part.Users => Services.Users,
        Part.Accounts => Services.Accounts,
        _ => Services.Transactions,
    };

    private int Asked(string path) => _services.Paths.Count(asked => asked == path);

    private (long, Money)[] Balances() => BalancesOf(_view.Now);

    private static (long, Money)[] BalancesOf(Snapshot seen) => [.. (seen.Accounts ?? []).Select(account => (account.AccountId, account.Balance))];
}
