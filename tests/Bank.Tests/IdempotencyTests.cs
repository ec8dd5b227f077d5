using System.Text.Json.Nodes;
using Bank.Contracts;
using Sequent.Client;

namespace Bank.Tests;

/// <summary>Whoever got no answer asks again with the same key: it happens once, and the answer is the same.</summary>
public class IdempotencyTests(Storage storage) : BankTests(storage)
{
    [Test]
    public async Task A_deposit_repeated_under_its_key_is_made_once()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();

        var answers = await RepeatAsync(() => customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "5.00" }, "a"));

        Assert.That(answers.Select(a => a.Status), Is.All.EqualTo(202));
        Assert.That(answers.Select(PositionOf).Distinct().Count(), Is.EqualTo(1), "all of them name the place of the one");
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("5.00"));
    }

    [Test]
    public async Task A_withdrawal_that_has_emptied_the_account_is_no_refusal_when_it_is_repeated()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync("5.00");

        var answers = await RepeatAsync(() => customer.PostAsync(Part.Accounts, $"/accounts/{account}/withdrawal", new { amount = "5.00" }, "a"));

        Assert.That(answers.Select(a => a.Status), Is.All.EqualTo(202));
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("0.00"));
    }

    [Test]
    public async Task A_refused_withdrawal_is_decided_anew()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var path = $"/accounts/{account}/withdrawal";

        var refused = await customer.PostAsync(Part.Accounts, path, new { amount = "5.00" }, "a");
        await customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "7.00" });
        var paid = await customer.PostAsync(Part.Accounts, path, new { amount = "6.00" }, "a");

        Assert.That((refused.Status, paid.Status), Is.EqualTo((409, 202)), "nothing was stored, so the body may differ too");
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("1.00"));
    }

    [Test]
    public async Task A_transfer_repeated_under_its_key_is_one_transfer()
    {
        using var customer = await Bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();

        var answers = await RepeatAsync(() => customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "4.00"), "a"));
        await Eventually.ReadAsync(() => customer.GetAsync(Part.Transactions, $"/transactions/{answers[0]["transaction_id"]}"), a => a["status"] == "ACCEPTED");
        var later = await customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "4.00"), "a");

        Assert.That(answers.Append(later).Select(a => $"{a.Status} {a.Body!.ToJsonString()}").Distinct().Count(), Is.EqualTo(1), "PENDING even when it has ended: the same answer");
        Assert.That((await customer.BalanceAsync(from), await customer.BalanceAsync(to)), Is.EqualTo(("6.00", "4.00")));
    }

    [Test]
    public async Task A_request_for_an_account_repeated_under_its_key_opens_one()
    {
        using var customer = await Bank.NewCustomerAsync();

        var answers = await RepeatAsync(() => customer.PostAsync(Part.Users, "/users/me/accounts", null, "a"));
        await Eventually.ReadAsync(() => customer.GetAsync(Part.Users, $"/users/me/accounts/requests/{answers[0]["request_id"]}"), a => a["status"] == "created");
        var later = await customer.PostAsync(Part.Users, "/users/me/accounts", null, "a");
        var another = await customer.PostAsync(Part.Users, "/users/me/accounts", null, "b");

        Assert.That(answers.Append(later).Select(a => $"{a.Status} {a.Body!.ToJsonString()} {PositionOf(a)}").Distinct().Count(), Is.EqualTo(1));
        Assert.That(another["request_id"], Is.Not.EqualTo(later["request_id"]));
        await Eventually.ReadAsync(() => customer.GetAsync(Part.Users, "/users/me"), a => a.Body!["accounts"]!.AsArray().Count == 2);
    }

    [Test]
    public async Task Another_change_under_a_key_that_is_stored_is_refused()
    {
        using var customer = await Bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();
        var deposit = $"/accounts/{from}/deposit";
        await customer.PostAsync(Part.Accounts, deposit, new { amount = "1.00" }, "a");
        await customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "1.00"), "a");

        Answer[] others =
        [
            await customer.PostAsync(Part.Accounts, deposit, new { amount = "1.01" }, "a"),
            await customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "1.01"), "a"),
            await customer.PostAsync(Part.Transactions, "/transactions", Transfer(to, from, "1.00"), "a"),
        ];

        Assert.That(others.Select(a => a.Status), Is.All.EqualTo(422));
        Assert.That(others[0]["detail"], Does.Contain("Idempotency-Key"));
    }

    [Test]
    public async Task A_key_belongs_to_its_user_its_route_and_its_path()
    {
        using var one = await Bank.NewCustomerAsync();
        using var two = await Bank.NewCustomerAsync();
        long[] accounts = [await one.OpenAccountAsync("1.00"), await one.OpenAccountAsync("1.00"), await two.OpenAccountAsync("1.00")];
        foreach (var (customer, account) in new[] { (one, accounts[0]), (one, accounts[1]), (two, accounts[2]) })
        {
            await customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "2.00" }, "a");
            await customer.PostAsync(Part.Accounts, $"/accounts/{account}/withdrawal", new { amount = "0.50" }, "a");
        }

        Assert.That(await Task.WhenAll(one.BalanceAsync(accounts[0]), one.BalanceAsync(accounts[1]), two.BalanceAsync(accounts[2])), Is.All.EqualTo("2.50"));
    }

    [Test]
    public async Task A_transaction_id_that_is_taken_by_another_event_is_passed_over_at_every_repetition()
    {
        using var customer = await Bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();

        // The id that the key gives first is found with a transfer that is refused, on a bank of its own.
        var taken = await FirstIdAsync(customer.Name, from, to);
        await using (var stranger = Bank.CreateBusClient())
            await stranger.PublishAsync(new AcceptedTransaction(taken), Sequence.At(Keys.Transaction(taken), 0));
        var first = await customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "1.00"), "taken");
        var second = await customer.PostAsync(Part.Transactions, "/transactions", Transfer(from, to, "1.00"), "taken");

        Assert.That((first.Status, first["transaction_id"]), Is.EqualTo((202, second["transaction_id"])));
        Assert.That(first["transaction_id"], Is.Not.EqualTo($"{taken}"));
    }

    [TestCase("")]
    [TestCase("with space")]
    [TestCase("256")]
    public async Task A_key_that_cannot_be_one_is_refused(string key)
    {
        using var customer = await Bank.NewCustomerAsync();
        var answer = await customer.PostAsync(Part.Users, "/users/me/accounts", null, key == "256" ? new string('k', 256) : key);

        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Body!["errors"]!.AsObject().Select(e => e.Key), Is.EqualTo(new[] { "Idempotency-Key" }));
    }

    [Test]
    public async Task What_got_no_answer_because_the_bus_was_away_happens_once_when_it_is_repeated()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage);
        using var customer = await bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var deposit = $"/accounts/{account}/deposit";
        await bank.StopAsync(Part.Bus);
        var lost = await customer.PostAsync(Part.Accounts, deposit, new { amount = "3.00" }, "a");
        await bank.StartAsync(Part.Bus);
        var repeated = await customer.PostAsync(Part.Accounts, deposit, new { amount = "3.00" }, "a");

        Assert.That((lost.Status, lost.Response.Headers.RetryAfter?.ToString(), repeated.Status), Is.EqualTo((503, "1", 202)));
        Assert.That(lost["detail"], Does.Contain("repeat with the same Idempotency-Key"));
        Assert.That(await customer.BalanceAsync(account), Is.EqualTo("3.00"));
    }

    /// <summary>What the key "taken" gives a customer of that name for a transfer, before anything is stored.</summary>
    private async Task<long> FirstIdAsync(string name, long from, long to)
    {
        await using var other = await BankUnderTest.StartAsync(Storage);
        using var twin = new Customer(other, name);
        await twin.PostAsync(Part.Users, "/register", new { username = name, password = Customer.Password });
        await twin.LogInAsync();
        var account = await twin.OpenAccountAsync();
        var answer = await twin.PostAsync(Part.Transactions, "/transactions", Transfer(account, from == account ? to : from, "1.00"), "taken");
        return answer.Body!["transaction_id"]!.GetValue<long>();
    }

    private static JsonObject Transfer(long from, long to, string amount) => new() { ["from_account_id"] = from, ["to_account_id"] = to, ["amount"] = amount };

    private static string? PositionOf(Answer answer) => answer.Response.Headers.TryGetValues("Sequent-Position", out var values) ? values.Single() : null;

    /// <summary>One after the other, then several at once.</summary>
    private static async Task<Answer[]> RepeatAsync(Func<Task<Answer>> ask) => [await ask(), await ask(), .. await Task.WhenAll(ask(), ask(), ask())];
}
