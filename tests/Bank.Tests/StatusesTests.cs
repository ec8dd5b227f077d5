using Bank.Contracts;
using Sequent.Client;

namespace Bank.Tests;

/// <summary>Every route with every status it may answer, against what the services say about themselves.</summary>
[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
public class StatusesTests(Storage storage)
{
    private const long Nowhere = 9007199254740991;

    private static readonly string[] OnlySignedIn =
    [
        "POST /logout", "GET /users/me", "POST /users/me/accounts", "GET /users/me/accounts/requests/{request_id}",
        "GET /accounts/{id}", "GET /accounts/{id}/statement", "POST /accounts/{id}/deposit", "POST /accounts/{id}/withdrawal",
        "POST /transactions", "GET /transactions", "GET /transactions/{id}",
    ];

    private static readonly object One = new { amount = "1.00" };

    private BankUnderTest _bank = null!;
    private Customer _nobody = null!, _liar = null!, _mine = null!, _other = null!, _leaving = null!;
    private long _account, _full, _theirs;
    private string _transfer = "", _request = "";

    /// <param name="Route">As it stands in the description.</param>
    /// <param name="Status">What is to be answered.</param>
    /// <param name="Who">Who asks.</param>
    /// <param name="Body">What is sent.</param>
    /// <param name="Id">What stands in the route's braces.</param>
    /// <param name="Header">A header, such as a key.</param>
    private sealed record Row(string Route, int Status, Customer Who, object? Body = null, object? Id = null, (string Name, string Value)? Header = null);

    [SetUp]
    public async Task SetUpAsync()
    {
        _bank = await BankUnderTest.StartAsync(storage);
        (_nobody, _liar) = (new Customer(_bank, "nobody"), new Customer(_bank, "liar") { Token = "made up" });
        (_mine, _other, _leaving) = (await _bank.NewCustomerAsync(), await _bank.NewCustomerAsync(), await _bank.NewCustomerAsync());
        (_account, _full, _theirs) = (await _mine.OpenAccountAsync("10.00"), await _mine.OpenAccountAsync(), await _other.OpenAccountAsync("10.00"));
        await using var client = _bank.CreateBusClient();
        await client.PublishAsync(new ConfirmedCredit(_full, Account.Limit, default), Sequence.Next(Keys.Account(_full)));
        _request = (await _mine.PostAsync(Part.Users, "/users/me/accounts"))["request_id"]!;
        _transfer = (await _mine.TransferAsync(_account, _full, "1.00"))["transaction_id"]!;
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        foreach (var customer in new[] { _nobody, _liar, _mine, _other, _leaving })
            customer.Dispose();
        await _bank.DisposeAsync();
    }

    [Test]
    public async Task Each_route_answers_each_status_it_declares_and_declares_each_it_answers()
    {
        var declared = await DeclaredAsync();
        var answered = new HashSet<string>();
        foreach (var row in OfUsers().Concat(OfAccounts()).Concat(OfTransactions()).Concat(WithoutToken()))
            await ExpectAsync([row], answered);

        await _bank.StopAsync(Part.Bus);
        await ExpectAsync(WithoutBus(), answered);
        await _bank.StartAsync(Part.Bus);
        await _bank.ReadyAsync(Part.Accounts);
        await _bank.ReadyAsync(Part.Transactions);

        await _bank.CutOffUsersAsync();
        await ExpectAsync(WithoutDatabaseOfUsers(), answered);
        await _bank.StopAsync(Part.Users);
        await ExpectAsync(WithoutUsers(), answered);

        Assert.That(answered, Is.EquivalentTo(declared));
    }

    [Test]
    public async Task A_refusal_names_its_reason()
    {
        var deposit = await _mine.PostAsync(Part.Accounts, $"/accounts/{_full}/deposit", One);
        var transfer = await _mine.TransferAsync(_account, _full, "1.00");

        Assert.That((deposit.Status, deposit["reason"]), Is.EqualTo((409, "account_limit")));
        Assert.That((transfer["status"], transfer["reason"]), Is.EqualTo(("REJECTED", "account_limit")));
    }

    private Row[] OfUsers() =>
    [
        new("POST /register", 201, _nobody, new { username = "somebody.new", password = Customer.Password }),
        new("POST /register", 400, _nobody, new { username = "x" }),
        new("POST /register", 409, _nobody, new { username = _mine.Name, password = Customer.Password }),
        new("POST /login", 200, _nobody, new { username = _mine.Name, password = Customer.Password }),
        new("POST /login", 400, _nobody, new { username = 1 }),
        new("POST /login", 401, _nobody, new { username = _mine.Name, password = "not the password" }),
        new("POST /logout", 204, _leaving),
        new("POST /logout", 401, _leaving),
        new("GET /users/me", 200, _mine),
        new("POST /users/me/accounts", 202, _mine),
        new("POST /users/me/accounts", 400, _mine, Header: ("Idempotency-Key", "with space")),
        new("GET /users/me/accounts/requests/{request_id}", 200, _mine, Id: _request),
        new("GET /users/me/accounts/requests/{request_id}", 404, _other, Id: _request),
        new("GET /users/me/accounts/requests/{request_id}", 404, _mine, Id: Guid.NewGuid()),
        new("POST /sessions/validate", 200, _nobody, new { token = "made up" }),
        new("POST /sessions/validate", 400, _nobody, new { token = 1 }),
    ];

    private IEnumerable<Row> OfAccounts() =>
    [
        new("GET /accounts/{id}", 200, _mine, Id: _account),
        new("GET /accounts/{id}/statement", 200, _mine, Id: _account),
        new("GET /accounts/{id}/statement", 400, _mine, Id: _account, Header: ("Sequent-Position", "soon")),
        new("GET /accounts/{id}/statement", 503, _mine, Id: _account, Header: ("Sequent-Position", $"{Nowhere}")),
        new("POST /accounts/{id}/deposit", 409, _mine, One, _full),
        new("POST /accounts/{id}/withdrawal", 409, _mine, new { amount = "1000.00" }, _account),
        .. OfEachAccountRoute(403, _theirs),
        .. OfEachAccountRoute(404, Nowhere),
        .. new[] { "deposit", "withdrawal" }.SelectMany(payment => new[]
        {
            new Row($"POST /accounts/{{id}}/{payment}", 202, _mine, One, _account, ("Idempotency-Key", "a")),
            new Row($"POST /accounts/{{id}}/{payment}", 202, _mine, One, _account, ("Idempotency-Key", "a")),
            new Row($"POST /accounts/{{id}}/{payment}", 422, _mine, new { amount = "2.00" }, _account, ("Idempotency-Key", "a")),
            new Row($"POST /accounts/{{id}}/{payment}", 400, _mine, new { amount = "1" }, _account),
            new Row($"POST /accounts/{{id}}/{payment}", 400, _mine, One, _account, ("Idempotency-Key", "with space")),
        }),
    ];

    private Row[] OfTransactions() =>
    [
        new("POST /transactions", 202, _mine, Transfer(_account, _theirs, "1.00"), Header: ("Idempotency-Key", "a")),
        new("POST /transactions", 202, _mine, Transfer(_account, _theirs, "1.00"), Header: ("Idempotency-Key", "a")),
        new("POST /transactions", 422, _mine, Transfer(_account, _theirs, "2.00"), Header: ("Idempotency-Key", "a")),
        new("POST /transactions", 400, _mine, Transfer(_account, _theirs, "1")),
        new("POST /transactions", 403, _mine, Transfer(_theirs, _account, "1.00")),
        new("GET /transactions", 200, _mine),
        new("GET /transactions", 400, _mine, Header: ("Sequent-Position", "soon")),
        new("GET /transactions/{id}", 200, _mine, Id: _transfer),
        new("GET /transactions/{id}", 403, _other, Id: _transfer),
        new("GET /transactions/{id}", 404, _mine, Id: Nowhere),
    ];

    private IEnumerable<Row> WithoutToken() => OnlySignedIn.SelectMany(route => new[] { new Row(route, 401, _nobody, Id: IdFor(route)), new Row(route, 401, _liar, Id: IdFor(route)) });

    private Row[] WithoutBus() =>
    [
        new("POST /users/me/accounts", 503, _mine),
        .. OfEachAccountRoute(503, _account),
        new("POST /transactions", 503, _mine, Transfer(_account, _theirs, "1.00")),
        new("GET /transactions/{id}", 503, _mine, Id: _transfer),
        new("GET /transactions", 200, _mine),
        new("GET /users/me", 200, _mine),
    ];

    private Row[] WithoutDatabaseOfUsers() =>
    [
        new("POST /register", 503, _nobody, new { username = "late.comer", password = Customer.Password }),
        new("POST /login", 503, _nobody, new { username = _mine.Name, password = Customer.Password }),
        new("POST /sessions/validate", 503, _nobody, new { token = _mine.Token }),
        .. OnlySignedIn.Select(route => new Row(route, 503, _mine, Id: IdFor(route))),
    ];

    private IEnumerable<Row> WithoutUsers() =>
        OnlySignedIn.Where(route => PartOf(route) != Part.Users).Select(route => new Row(route, 503, _mine, Id: IdFor(route)));

    private Row[] OfEachAccountRoute(int status, long account) =>
    [
        new("GET /accounts/{id}", status, _mine, Id: account),
        new("GET /accounts/{id}/statement", status, _mine, Id: account),
        new("POST /accounts/{id}/deposit", status, _mine, One, account),
        new("POST /accounts/{id}/withdrawal", status, _mine, One, account),
    ];

    private static object Transfer(long from, long to, string amount) => new { from_account_id = from, to_account_id = to, amount };

    private object IdFor(string route) => PartOf(route) switch
    {
        Part.Accounts => _account,
        Part.Transactions => _transfer,
        _ => _request,
    };

    private static Part PartOf(string route) =>
        route.Contains(" /accounts", StringComparison.Ordinal) ? Part.Accounts
        : route.Contains(" /transactions", StringComparison.Ordinal) ? Part.Transactions
        : Part.Users;

    /// <summary>Asks for all rows at once, compares, and adds what was answered.</summary>
    private static async Task ExpectAsync(IEnumerable<Row> rows, HashSet<string> answered)
    {
        var asked = rows.ToArray();
        var answers = await Task.WhenAll(asked.Select(AskAsync));

        Assert.That(asked.Zip(answers, (row, answer) => $"{row.Route} {answer.Status}"), Is.EqualTo(asked.Select(row => $"{row.Route} {row.Status}")));
        foreach (var refusal in answers.Where(answer => answer.Status >= 400))
            Assert.That(refusal.Response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        foreach (var away in answers.Where(answer => answer.Status == 503))
            Assert.That(away.Response.Headers.RetryAfter?.ToString(), Is.EqualTo("1"));
        answered.UnionWith(asked.Select(row => $"{row.Route} {row.Status}"));
    }

    private static Task<Answer> AskAsync(Row row)
    {
        var (method, path) = (row.Route.Split(' ')[0], row.Route.Split(' ')[1]);
        var body = method == "POST" ? row.Body ?? new { } : null;
        path = path.Replace("{id}", $"{row.Id}", StringComparison.Ordinal).Replace("{request_id}", $"{row.Id}", StringComparison.Ordinal);
        return row.Who.SendAsync(new HttpMethod(method), PartOf(row.Route), path, body, row.Header?.Name, row.Header?.Value);
    }

    private async Task<HashSet<string>> DeclaredAsync()
    {
        var declared = new HashSet<string>();
        foreach (var part in new[] { Part.Users, Part.Accounts, Part.Transactions })
        {
            var description = await _nobody.GetAsync(part, "/openapi/v1.json");
            foreach (var (path, operations) in description.Body!["paths"]!.AsObject())
                foreach (var (method, operation) in operations!.AsObject())
                    declared.UnionWith(operation!["responses"]!.AsObject().Select(response => $"{method.ToUpperInvariant()} {path} {response.Key}"));
        }

        return declared;
    }
}
