namespace Bank.Tests;

public class TransactionsRoutesTests(Storage storage) : BankTests(storage)
{
    [Test]
    public async Task An_accepted_transfer_moves_the_money_and_stands_on_both_statements()
    {
        using var payer = await Bank.NewCustomerAsync();
        using var payee = await Bank.NewCustomerAsync();
        var from = await payer.OpenAccountAsync("50.00");
        var to = await payee.OpenAccountAsync();
        var transfer = await payer.TransferAsync(from, to, "20.00");
        var seenByPayee = await payee.GetAsync(Part.Transactions, $"/transactions/{transfer["transaction_id"]}");

        Assert.That((transfer["status"], transfer["reason"], seenByPayee.Status), Is.EqualTo(("ACCEPTED", (string?)null, 200)));
        Assert.That((await payer.BalanceAsync(from), await payee.BalanceAsync(to)), Is.EqualTo(("30.00", "20.00")));
        var line = (await payee.GetAsync(Part.Accounts, $"/accounts/{to}/statement")).Body![0]!;
        Assert.That(($"{line["amount"]}", $"{line["transaction_id"]}"), Is.EqualTo(("20.00", transfer["transaction_id"])));
    }

    [Test]
    public async Task Too_much_is_rejected_and_so_is_an_unknown_account()
    {
        using var payer = await Bank.NewCustomerAsync();
        var from = await payer.OpenAccountAsync("50.00");
        var to = await payer.OpenAccountAsync();
        var tooMuch = await payer.TransferAsync(from, to, "50.01");
        var unknown = await payer.TransferAsync(from, 9007199254740991, "1.00");

        Assert.That((tooMuch["status"], tooMuch["reason"]), Is.EqualTo(("REJECTED", "insufficient_funds")));
        Assert.That((unknown["status"], unknown["reason"]), Is.EqualTo(("REJECTED", "unknown_account")));
        Assert.That(await payer.BalanceAsync(from), Is.EqualTo("50.00"));
    }

    [Test]
    public async Task Money_can_only_be_sent_from_an_account_of_mine()
    {
        using var mine = await Bank.NewCustomerAsync();
        using var other = await Bank.NewCustomerAsync();
        var account = await mine.OpenAccountAsync();
        var theirs = await other.OpenAccountAsync("50.00");
        var answer = await mine.PostAsync(Part.Transactions, "/transactions", new { from_account_id = theirs, to_account_id = account, amount = "1.00" });

        Assert.That(answer.Status, Is.EqualTo(403));
    }

    [TestCase("""{"to_account_id":2,"amount":"1.00"}""", "from_account_id")]
    [TestCase("""{"from_account_id":1,"amount":"1.00"}""", "to_account_id")]
    [TestCase("""{"from_account_id":1,"to_account_id":1,"amount":"1.00"}""", "to_account_id")]
    [TestCase("""{"from_account_id":1,"to_account_id":9007199254740992,"amount":"1.00"}""", "to_account_id")]
    [TestCase("""{"from_account_id":1,"to_account_id":-5,"amount":"1.00"}""", "to_account_id")]
    [TestCase("""{"from_account_id":1,"to_account_id":2}""", "amount")]
    [TestCase("""{"from_account_id":1,"to_account_id":2,"amount":"1.5"}""", "amount")]
    [TestCase("""{"from_account_id":1,"to_account_id":2,"amount":1.50}""", "amount")]
    [TestCase("""{"from_account_id":"1","to_account_id":2,"amount":"1.50"}""", "from_account_id")]
    public async Task A_bad_transfer_is_refused_with_the_field_named(string body, string field)
    {
        using var customer = await Bank.NewCustomerAsync();
        var answer = await customer.PostAsync(Part.Transactions, "/transactions", System.Text.Json.Nodes.JsonNode.Parse(body));

        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Body!["errors"]!.AsObject().Select(e => e.Key), Is.EqualTo(new[] { field }));
    }

    [Test]
    public async Task A_transfer_is_shown_only_to_those_it_concerns()
    {
        using var payer = await Bank.NewCustomerAsync();
        using var other = await Bank.NewCustomerAsync();
        using var stranger = new Customer(Bank, "stranger");
        var from = await payer.OpenAccountAsync("50.00");
        var to = await payer.OpenAccountAsync();
        var path = $"/transactions/{(await payer.TransferAsync(from, to, "1.00"))["transaction_id"]}";

        Assert.That((await other.GetAsync(Part.Transactions, path)).Status, Is.EqualTo(403));
        Assert.That((await stranger.GetAsync(Part.Transactions, path)).Status, Is.EqualTo(401));
        Assert.That((await payer.GetAsync(Part.Transactions, "/transactions/9007199254740991")).Status, Is.EqualTo(404));
    }

    [Test]
    public async Task The_list_shows_my_transfers_newest_first()
    {
        using var payer = await Bank.NewCustomerAsync();
        using var other = await Bank.NewCustomerAsync();
        var from = await payer.OpenAccountAsync("50.00");
        var to = await payer.OpenAccountAsync();
        await payer.TransferAsync(from, to, "1.00");
        await payer.TransferAsync(from, to, "99.00");
        var list = await Eventually.ReadAsync(
            () => payer.GetAsync(Part.Transactions, "/transactions"), a => a.Body!.AsArray() is [{ } last, _] && $"{last["status"]}" != "PENDING");

        Assert.That(list.Body!.AsArray().Select(t => $"{t!["amount"]} {t["status"]} {t["reason"]}"), Is.EqualTo(new[] { "99.00 REJECTED insufficient_funds", "1.00 ACCEPTED " }));
        Assert.That((await other.GetAsync(Part.Transactions, "/transactions")).Body!.AsArray(), Is.Empty);
    }
}
