using System.Text.Json.Nodes;
using Sequent.Client;

namespace Bank.Tests;

[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
public class RebuildTests(Storage storage)
{
    private const long Nowhere = 9007199254740991;

    [Test]
    public async Task Read_models_deleted_are_rebuilt_and_answer_the_same()
    {
        await using var bank = await BankUnderTest.StartAsync(storage);
        using var customer = await bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("50.00");
        var to = await customer.OpenAccountAsync();
        await customer.TransferAsync(from, to, "20.00");
        await customer.TransferAsync(from, to, "99.00");
        var before = await SettledAnswersAsync(customer, from, to);

        await bank.StopAsync(Part.Accounts);
        await bank.StopAsync(Part.Transactions);
        await bank.DeleteAsync("accounts");
        await bank.DeleteAsync("transactions");
        foreach (var part in new[] { Part.Accounts, Part.Transactions })
        {
            await bank.StartAsync(part);
            await bank.ReadyAsync(part);
        }

        Assert.That(await SettledAnswersAsync(customer, from, to), Is.EqualTo(before));
    }

    [Test]
    public async Task State_of_another_log_is_found_out_and_rebuilt_by_all_instances_that_share_it()
    {
        await using var bank = await BankUnderTest.StartAsync(storage);
        using var customer = await bank.NewCustomerAsync();
        var before = await customer.OpenAccountAsync("50.00");
        for (var i = 0; i < 5; i++)
            await customer.TransferAsync(before, Nowhere, "1.00");
        await using var secondAccounts = await bank.StartSecondAsync(Part.Accounts);
        await using var secondTransactions = await bank.StartSecondAsync(Part.Transactions);
        (Uri Address, string Path)[] lists = [(bank[Part.Transactions], "/transactions"), (secondTransactions.Address, "/transactions")];
        foreach (var (address, path) in lists)
            await Eventually.ReadAsync(() => customer.GetTextAsync(address, path), answer => answer.Status == 200);

        await bank.ReplaceBusAsync();
        foreach (var (address, path) in lists)
            await Eventually.ReadAsync(() => customer.GetTextAsync(address, path), answer => answer is (200, "[]"));
        var account = await customer.OpenAccountAsync("3.00");
        var transfer = await customer.TransferAsync(account, Nowhere, "1.00");

        foreach (var (address, path) in lists)
        {
            var list = await Eventually.ReadAsync(() => customer.GetTextAsync(address, path), answer => answer.Text.Contains("REJECTED", StringComparison.Ordinal));
            Assert.That(JsonNode.Parse(list.Text)!.AsArray().Select(line => $"{line!["transaction_id"]}"), Is.EqualTo(new[] { transfer["transaction_id"] }));
        }

        foreach (var address in new[] { bank[Part.Accounts], secondAccounts.Address })
        {
            var statement = await Eventually.ReadAsync(() => customer.GetTextAsync(address, $"/accounts/{account}/statement"), answer => answer.Status == 200);
            Assert.That(JsonNode.Parse(statement.Text)!.AsArray().Select(line => $"{line!["amount"]}"), Is.EqualTo(new[] { "3.00" }));
        }
    }

    [Test]
    public async Task Services_started_before_the_bus_begin_when_it_is_there()
    {
        await using var bank = await BankUnderTest.StartBusAsync(storage);
        await bank.StopAsync(Part.Bus);
        foreach (var part in new[] { Part.Users, Part.Transactions, Part.Accounts })
            await bank.StartAsync(part);
        await bank.StartAsync(Part.Bus);

        using var customer = await bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("1.00");
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("1.00"));
    }

    [EventType("ConfirmedCredit")]
    private sealed record StrangeCredit(long AccountID, string Amount);

    [Test]
    public async Task An_event_that_cannot_be_read_does_not_stop_the_statements()
    {
        await using var bank = await BankUnderTest.StartAsync(storage);
        using var customer = await bank.NewCustomerAsync();
        await using (var stranger = new SequentClient(bank.BusAddress))
            await stranger.PublishAsync(new StrangeCredit(999, "five"), "acc-999");

        var account = await customer.OpenAccountAsync("1.00");

        var statement = await customer.GetAsync(Part.Accounts, $"/accounts/{account}/statement");
        Assert.That((statement.Status, statement.Body!.AsArray().Count), Is.EqualTo((200, 1)));
    }

    private static async Task<string> SettledAnswersAsync(Customer customer, long from, long to)
    {
        var list = await Eventually.ReadAsync(() => customer.GetAsync(Part.Transactions, "/transactions"), a => a.Body!.AsArray().Count(t => $"{t!["status"]}" != "PENDING") == 2);
        var answers = new List<Answer> { list };
        foreach (var path in new[] { $"/accounts/{from}", $"/accounts/{to}", $"/accounts/{from}/statement", $"/accounts/{to}/statement" })
            answers.Add(await customer.GetAsync(Part.Accounts, path));
        foreach (var transfer in list.Body!.AsArray())
            answers.Add(await customer.GetAsync(Part.Transactions, $"/transactions/{transfer!["transaction_id"]}"));
        return string.Join('\n', answers.Select(a => $"{a.Status} {a.Body!.ToJsonString()}"));
    }
}
