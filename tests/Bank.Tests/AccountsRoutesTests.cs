using System.Globalization;

namespace Bank.Tests;

public class AccountsRoutesTests(Storage storage) : BankTests(storage)
{
    [Test]
    public async Task Deposits_and_withdrawals_make_the_balance_and_the_statement()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var deposit = await customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "100.00" });
        var withdrawal = await customer.PostAsync(Part.Accounts, $"/accounts/{account}/withdrawal", new { amount = "0.01" });
        var balance = await customer.GetAsync(Part.Accounts, $"/accounts/{account}");
        var statement = await customer.GetAsync(Part.Accounts, $"/accounts/{account}/statement");

        Assert.That((deposit.Status, withdrawal.Status), Is.EqualTo((202, 202)));
        Assert.That(balance.Body!.ToJsonString(), Is.EqualTo($$"""{"account_id":{{account}},"balance":"99.99"}"""));
        Assert.That(statement.Body!.AsArray().Select(line => $"{line!["amount"]} {line["note"]}"), Is.EqualTo(new[] { "100.00 deposit", "-0.01 withdrawal" }));
        Assert.That(statement.Body![0]!["timestamp"]!.GetValue<DateTimeOffset>(), Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task More_than_there_is_cannot_be_withdrawn()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("10.00");
        var answer = await customer.PostAsync(Part.Accounts, $"/accounts/{account}/withdrawal", new { amount = "10.01" });

        Assert.That((answer.Status, answer["reason"], await customer.BalanceAsync(account)), Is.EqualTo((409, "insufficient_funds", "10.00")));
    }

    [Test]
    public async Task Only_so_many_of_many_withdrawals_at_once_are_paid()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("10.00");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => customer.PostAsync(Part.Accounts, $"/accounts/{account}/withdrawal", new { amount = "1.00" })));

        Assert.That(answers.GroupBy(a => a.Status).ToDictionary(g => g.Key, g => g.Count()), Is.EquivalentTo(new Dictionary<int, int> { [202] = 10, [409] = 10 }));
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("0.00"));
    }

    [TestCase("\"0.00\"")]
    [TestCase("\"1\"")]
    [TestCase("\"1000000000.01\"")]
    [TestCase("null")]
    [TestCase("1.00", Description = "a number, not a string")]
    public async Task A_bad_amount_is_refused_with_the_field_named(string amount)
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var body = System.Text.Json.Nodes.JsonNode.Parse($$"""{"amount":{{amount}}}""");
        foreach (var route in new[] { "deposit", "withdrawal" })
        {
            var answer = await customer.PostAsync(Part.Accounts, $"/accounts/{account}/{route}", body);
            Assert.That(answer.Status, Is.EqualTo(400));
            Assert.That(answer.Body!["errors"]!.AsObject().Select(e => e.Key), Is.EqualTo(new[] { "amount" }));
        }
    }

    private static readonly string[] Reads = ["", "/statement"];
    private static readonly string[] Writes = ["/deposit", "/withdrawal"];

    [Test]
    public async Task Another_customers_account_is_forbidden_an_unknown_one_not_found_and_a_stranger_not_let_in()
    {
        using var mine = await Bank.NewCustomerAsync();
        using var other = await Bank.NewCustomerAsync();
        using var stranger = new Customer(Bank, "stranger") { Token = "made up" };
        var account = await other.OpenAccountAsync("10.00");
        await mine.OpenAccountAsync();

        Assert.That(await StatusesAsync(mine, account), Is.All.EqualTo(403));
        Assert.That(await StatusesAsync(mine, 9007199254740991), Is.All.EqualTo(404));
        Assert.That(await StatusesAsync(stranger, account), Is.All.EqualTo(401));
        stranger.Token = null;
        Assert.That(await StatusesAsync(stranger, account), Is.All.EqualTo(401));
        Assert.That(await other.BalanceAsync(account), Is.EqualTo("10.00"));
    }

    [Test]
    public async Task Without_users_or_the_bus_the_answer_is_503_and_when_to_try_again()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage);
        using var customer = await bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("10.00");

        await bank.StopAsync(Part.Bus);
        var answers = await Task.WhenAll(
            customer.GetAsync(Part.Accounts, $"/accounts/{account}"),
            customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "1.00" }),
            customer.PostAsync(Part.Transactions, "/transactions", new { from_account_id = account, to_account_id = account + 1, amount = "1.00" }));
        await bank.StopAsync(Part.Users);
        var withoutUsers = await customer.GetAsync(Part.Accounts, $"/accounts/{account}");

        foreach (var answer in answers.Append(withoutUsers))
            Assert.That((answer.Status, answer.Response.Headers.RetryAfter?.ToString(), answer.Response.Content.Headers.ContentType?.MediaType), Is.EqualTo((503, "1", "application/problem+json")));
    }

    [Test]
    public async Task The_services_describe_themselves()
    {
        using var anybody = new Customer(Bank, "anybody");
        using var http = new HttpClient();
        foreach (var (part, route) in new[] { (Part.Users, "/register"), (Part.Accounts, "/accounts/{id}"), (Part.Transactions, "/transactions") })
        {
            var description = await anybody.GetAsync(part, "/openapi/v1.json");
            Assert.That(description.Body!["paths"]!.AsObject().Select(p => p.Key), Has.Member(route));
            using var page = await http.GetAsync(new Uri(Bank[part], "/scalar"));
            Assert.That(((int)page.StatusCode, page.Content.Headers.ContentType?.MediaType), Is.EqualTo((200, "text/html")));
        }
    }

    private static async Task<int[]> StatusesAsync(Customer customer, long account)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/accounts/{account}");
        var answers = await Task.WhenAll(
            Reads.Select(route => customer.GetAsync(Part.Accounts, path + route))
                .Concat(Writes.Select(route => customer.PostAsync(Part.Accounts, path + route, new { amount = "1.00" }))));
        return [.. answers.Select(answer => answer.Status)];
    }
}
