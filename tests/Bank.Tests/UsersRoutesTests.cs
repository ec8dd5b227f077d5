using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Bank.Tests;

public class UsersRoutesTests(Storage storage) : BankTests(storage)
{
    [Test]
    public async Task A_name_can_be_registered_once()
    {
        using var customer = new Customer(Bank, "alice");
        var first = await customer.PostAsync(Part.Users, "/register", new { username = "alice", password = Customer.Password });
        var second = await customer.PostAsync(Part.Users, "/register", new { username = "alice", password = "another password" });

        Assert.That((first.Status, second.Status), Is.EqualTo((201, 409)));
    }

    [TestCase("al", "a long password", "username")]
    [TestCase("Al Ice", "a long password", "username")]
    [TestCase(null, "a long password", "username")]
    [TestCase("someone", "short", "password")]
    [TestCase("someone", null, "password")]
    [TestCase("someone", "aaaaaaaabbb", "password", Description = "too few different characters")]
    public async Task A_bad_name_or_password_is_refused_with_the_field_named(string? username, string? password, string field)
    {
        using var customer = new Customer(Bank, "nobody");
        var answer = await customer.PostAsync(Part.Users, "/register", new { username, password });

        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Body!["errors"]!.AsObject().Select(e => e.Key), Is.EqualTo(new[] { field }));
    }

    [Test]
    public async Task Logging_in_gives_a_token_that_ends_some_time()
    {
        using var customer = await Bank.NewCustomerAsync();
        var answer = await customer.PostAsync(Part.Users, "/login", new { username = customer.Name, password = Customer.Password });

        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer["token"], Has.Length.EqualTo(43), "256 bits in base64");
        Assert.That(answer.Body!["expires_in"]!.GetValue<int>(), Is.Positive);
    }

    [Test]
    public async Task A_wrong_password_and_an_unknown_name_are_told_the_same()
    {
        using var customer = await Bank.NewCustomerAsync();
        var wrong = await customer.PostAsync(Part.Users, "/login", new { username = customer.Name, password = "not the password" });
        var unknown = await customer.PostAsync(Part.Users, "/login", new { username = "who.is.this", password = "not the password" });

        Assert.That((wrong.Status, unknown.Status), Is.EqualTo((401, 401)));
        Assert.That(wrong["detail"], Is.EqualTo(unknown["detail"]));
    }

    [Test]
    public async Task A_session_that_is_ended_leaves_the_others_alone()
    {
        using var here = await Bank.NewCustomerAsync();
        using var there = new Customer(Bank, here.Name);
        await there.LogInAsync();
        await here.PostAsync(Part.Users, "/logout");

        Assert.That(((await here.GetAsync(Part.Users, "/users/me")).Status, (await there.GetAsync(Part.Users, "/users/me")).Status), Is.EqualTo((401, 200)));
    }

    [Test]
    public async Task After_logging_out_the_token_is_worth_nothing_anywhere()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var loggedOut = await customer.PostAsync(Part.Users, "/logout");
        var me = await customer.GetAsync(Part.Users, "/users/me");
        var balance = await customer.GetAsync(Part.Accounts, $"/accounts/{account}");

        Assert.That((loggedOut.Status, me.Status, balance.Status), Is.EqualTo((204, 401, 401)));
    }

    [Test]
    public async Task A_session_ends_after_its_time()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        await using var bank = await BankUnderTest.StartAsync(Storage, services => services.AddSingleton<TimeProvider>(clock));
        using var customer = await bank.NewCustomerAsync();
        var lifetime = TimeSpan.FromSeconds((await customer.PostAsync(Part.Users, "/sessions/validate", new { token = customer.Token })).Body!["expires_in"]!.GetValue<int>());
        clock.Advance(lifetime - TimeSpan.FromSeconds(1));
        var before = await customer.GetAsync(Part.Users, "/users/me");
        clock.Advance(TimeSpan.FromSeconds(1));
        var after = await customer.GetAsync(Part.Users, "/users/me");

        Assert.That((before.Status, after.Status), Is.EqualTo((200, 401)));
    }

    [TestCase("/users/me")]
    [TestCase("/users/me/accounts/requests/3f2504e0-4f89-41d3-9a0c-0305e82c3301")]
    public async Task Without_a_token_nothing_is_told(string path)
    {
        using var stranger = new Customer(Bank, "stranger");
        var answer = await stranger.GetAsync(Part.Users, path);

        Assert.That((answer.Status, answer.Response.Content.Headers.ContentType?.MediaType), Is.EqualTo((401, "application/problem+json")));
        Assert.That(answer.Response.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Bearer"));
    }

    [Test]
    public async Task A_request_for_an_account_is_pending_until_accounts_creates_it_and_then_the_account_is_mine()
    {
        await using var bank = await BankUnderTest.StartBusAsync(Storage);
        await bank.StartAsync(Part.Users);
        using var customer = await bank.NewCustomerAsync();
        var request = await customer.PostAsync(Part.Users, "/users/me/accounts");
        var path = $"/users/me/accounts/requests/{request["request_id"]}";
        var pending = await customer.GetAsync(Part.Users, path);
        await bank.StartAsync(Part.Accounts);
        var created = await Eventually.ReadAsync(() => customer.GetAsync(Part.Users, path), answer => answer["status"] == "created");
        var me = await customer.GetAsync(Part.Users, "/users/me");

        Assert.That((request.Status, request["status"]), Is.EqualTo((202, "pending")));
        Assert.That(pending.Body!.ToJsonString(), Is.EqualTo($$"""{"request_id":"{{request["request_id"]}}","status":"pending"}"""));
        Assert.That(me.Body!.ToJsonString(), Is.EqualTo($$"""{"username":"{{customer.Name}}","accounts":[{{created["account_id"]}}]}"""));
    }

    [Test]
    public async Task Somebody_elses_request_is_unknown()
    {
        using var mine = await Bank.NewCustomerAsync();
        using var other = await Bank.NewCustomerAsync();
        var request = await mine.PostAsync(Part.Users, "/users/me/accounts");
        var answer = await other.GetAsync(Part.Users, $"/users/me/accounts/requests/{request["request_id"]}");

        Assert.That(answer.Status, Is.EqualTo(404));
    }

    [Test]
    public async Task A_token_can_be_validated()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var good = await customer.PostAsync(Part.Users, "/sessions/validate", new { token = customer.Token });
        var bad = await customer.PostAsync(Part.Users, "/sessions/validate", new { token = "made up" });

        Assert.That((good.Status, good["valid"], good["username"]), Is.EqualTo((200, "true", customer.Name)));
        Assert.That(good.Body!["accounts"]!.ToJsonString(), Is.EqualTo($"[{account}]"));
        Assert.That(bad.Body!.ToJsonString(), Is.EqualTo("""{"valid":false}"""));
    }

    [Test]
    public async Task Requests_the_bus_never_got_are_published_when_it_is_there()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var bank = await BankUnderTest.StartAsync(Storage, services => services.AddSingleton<TimeProvider>(clock));
        using var customer = await bank.NewCustomerAsync();
        await bank.StopAsync(Part.Bus);
        var answer = await customer.PostAsync(Part.Users, "/users/me/accounts");
        await bank.StartAsync(Part.Bus);
        var me = await Eventually.ReadAsync(TenSecondsLaterAsync, a => a.Body!["accounts"]!.AsArray().Count > 0);

        Assert.That((answer.Status, answer.Response.Headers.RetryAfter?.ToString()), Is.EqualTo((503, "1")));
        Assert.That(me.Body!["accounts"]!.AsArray(), Has.Count.EqualTo(1));

        Task<Answer> TenSecondsLaterAsync()
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            return customer.GetAsync(Part.Users, "/users/me");
        }
    }
}
