using Bank.Contracts;
using Sequent.Client;

namespace Bank.Tests;

/// <summary>A PostgreSQL that is stopped and started under the services.</summary>
public class DatabaseOutageTests
{
    private PostgresServer _postgres = null!;
    private BankUnderTest _bank = null!;

    [SetUp]
    public void Create()
    {
        _postgres = PostgresServer.Create();
        _postgres.Start();
        _bank = new BankUnderTest(Storage.Postgres, postgres: _postgres);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _bank.DisposeAsync();
        _postgres.Dispose();
    }

    [Test]
    public async Task While_it_is_away_the_answer_is_503_and_when_it_is_back_nothing_is_missing()
    {
        await StartAsync(Part.Bus, Part.Users, Part.Accounts, Part.Transactions);
        using var customer = await _bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("10.00");
        var other = await customer.OpenAccountAsync();
        await customer.TransferAsync(account, other, "1.00");
        var before = await AnswersAsync(customer, account);
        _postgres.Stop();
        var without = await AnswersAsync(customer, account);
        var login = await customer.PostAsync(Part.Users, "/login", new { username = customer.Name, password = Customer.Password });
        _postgres.Start();
        var after = await Eventually.ReadAsync(() => AnswersAsync(customer, account), answers => answers.All(a => a.Status == 200));

        Assert.That(without.Append(login).Select(a => (a.Status, a.Response.Headers.RetryAfter?.ToString())), Is.All.EqualTo((503, "1")));
        Assert.That(after.Select(a => a.Body!.ToJsonString()), Is.EqualTo(before.Select(a => a.Body!.ToJsonString())));
    }

    [Test]
    public async Task An_account_created_while_it_is_away_is_noted_when_it_is_back()
    {
        await StartAsync(Part.Bus, Part.Users);
        using var customer = await _bank.NewCustomerAsync();
        var request = await customer.PostAsync(Part.Users, "/users/me/accounts");
        var path = $"/users/me/accounts/requests/{request["request_id"]}";
        var before = await customer.GetAsync(Part.Users, path);
        _postgres.Stop();
        await using (var client = _bank.CreateBusClient())
            await client.PublishAsync(new AccountCreated(request["request_id"]!, 42), Sequence.At(Keys.Account(42), 0));
        Assert.That((await customer.GetAsync(Part.Users, path)).Status, Is.EqualTo(503));
        _postgres.Start();
        var created = await Eventually.ReadAsync(() => customer.GetAsync(Part.Users, path), a => a["status"] == "created");

        Assert.That((before["status"], before["account_id"], created["account_id"]), Is.EqualTo(("pending", (string?)null, "42")));
    }

    [Test]
    public async Task A_service_started_before_it_starts_when_it_is_there()
    {
        await StartAsync(Part.Bus);
        _postgres.Stop();
        var starting = _bank.StartAsync(Part.Users);
        await Assert.ThatAsync(() => starting.WaitAsync(TimeSpan.FromSeconds(3)), Throws.InstanceOf<TimeoutException>(), "it still tries");
        _postgres.Start();
        await starting;

        using var customer = await _bank.NewCustomerAsync();
        Assert.That((await customer.GetAsync(Part.Users, "/users/me")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task A_service_that_waits_for_it_can_be_stopped()
    {
        await StartAsync(Part.Bus);
        _postgres.Stop();
        using var stop = new CancellationTokenSource();
        var starting = _bank.StartAsync(Part.Accounts, stop.Token);
        await stop.CancelAsync();

        await Assert.ThatAsync(() => starting.WaitAsync(TimeSpan.FromSeconds(10)), Throws.InstanceOf<OperationCanceledException>());
        _postgres.Start();
    }

    private async Task StartAsync(params Part[] parts)
    {
        foreach (var part in parts)
            await _bank.StartAsync(part);
    }

    private static async Task<Answer[]> AnswersAsync(Customer customer, long account) =>
    [
        await customer.GetAsync(Part.Users, "/users/me"),
        await customer.GetAsync(Part.Accounts, $"/accounts/{account}/statement"),
        await customer.GetAsync(Part.Transactions, "/transactions"),
    ];
}
