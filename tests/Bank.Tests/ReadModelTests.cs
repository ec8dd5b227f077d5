using System.Globalization;
using System.Linq.Expressions;
using Bank.Accounts;
using Bank.ServiceDefaults;
using Bank.Transactions;
using Microsoft.EntityFrameworkCore;

namespace Bank.Tests;

/// <summary>What read models answer while they lag, and when several instances share one.</summary>
public class ReadModelTests(Storage storage) : BankTests(storage)
{
    [Test]
    public async Task Who_sends_back_the_position_of_a_change_reads_at_least_that()
    {
        using var customer = await Bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();
        for (var i = 1; i <= 20; i++)
        {
            var transfer = await customer.PostAsync(Part.Transactions, "/transactions", new { from_account_id = from, to_account_id = to, amount = "0.01" });
            var list = await customer.GetAsync(Part.Transactions, "/transactions", "Sequent-Position", PositionOf(transfer));

            Assert.That(list.Body!.AsArray(), Has.Count.EqualTo(i));
        }
    }

    [Test]
    public async Task The_position_of_an_event_the_list_does_not_show_is_no_long_wait()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        var deposit = await customer.PostAsync(Part.Accounts, $"/accounts/{account}/deposit", new { amount = "1.00" });

        var list = await customer.GetAsync(Part.Transactions, "/transactions", "Sequent-Position", PositionOf(deposit));

        Assert.That(list.Status, Is.EqualTo(200), "and not 503 after two seconds");
    }

    [Test]
    public async Task A_position_that_is_not_reached_in_time_is_503_and_one_that_is_none_400()
    {
        using var customer = await Bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        foreach (var (part, path) in new[] { (Part.Transactions, "/transactions"), (Part.Accounts, $"/accounts/{account}/statement") })
        {
            var ahead = await customer.GetAsync(part, path, "Sequent-Position", "9007199254740991");
            var none = await customer.GetAsync(part, path, "Sequent-Position", "soon");

            Assert.That((ahead.Status, ahead.Response.Headers.RetryAfter?.ToString(), none.Status), Is.EqualTo((503, "1", 400)));
            Assert.That(none.Body!["errors"]!.AsObject().Select(e => e.Key), Is.EqualTo(new[] { "Sequent-Position" }));
        }
    }

    [Test]
    public async Task Until_it_has_read_the_log_a_service_is_not_ready_and_its_lists_are_503()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage);
        using var customer = await bank.NewCustomerAsync();
        var account = await customer.OpenAccountAsync();
        (Part Part, string Path)[] lists = [(Part.Transactions, "/transactions"), (Part.Accounts, $"/accounts/{account}/statement")];
        foreach (var (part, _) in lists)
            await bank.StopAsync(part);
        await bank.StopAsync(Part.Bus);
        foreach (var (part, path) in lists)
        {
            await bank.StartAsync(part);
            var list = await customer.GetAsync(part, path);

            Assert.That((list.Status, list["detail"]), Is.EqualTo((503, "The service still reads the log. Try again.")));
            Assert.That((await customer.GetTextAsync(part, "/health/ready")).Status, Is.EqualTo(503));
            Assert.That((await customer.GetTextAsync(part, "/health/live")).Status, Is.EqualTo(200));
        }

        await bank.StartAsync(Part.Bus);
        foreach (var (part, path) in lists)
        {
            await bank.ReadyAsync(part);
            Assert.That((await customer.GetAsync(part, path)).Status, Is.EqualTo(200));
        }
    }

    [Test]
    public async Task Instances_that_share_their_state_answer_the_same_and_count_nothing_twice()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage);
        using var customer = await bank.NewCustomerAsync();
        await using var secondUsers = await bank.StartSecondAsync(Part.Users);
        await using var secondAccounts = await bank.StartSecondAsync(Part.Accounts);
        await using var secondTransactions = await bank.StartSecondAsync(Part.Transactions);
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();
        for (var i = 0; i < 30; i++)
            await customer.TransferAsync(from, to, "0.10");

        string[] paths = [$"/accounts/{from}", $"/accounts/{from}/statement", $"/accounts/{to}/statement"];
        foreach (var path in paths)
            Assert.That(await customer.GetTextAsync(secondAccounts.Address, path), Is.EqualTo(await customer.GetTextAsync(Part.Accounts, path)));
        Assert.That(await customer.GetTextAsync(secondUsers.Address, "/users/me"), Is.EqualTo(await customer.GetTextAsync(Part.Users, "/users/me")));
        var list = await Eventually.ReadAsync(() => customer.GetAsync(Part.Transactions, "/transactions"), a => a.Body!.AsArray().Count(t => $"{t!["status"]}" == "ACCEPTED") == 30);
        Assert.That((await customer.GetTextAsync(secondTransactions.Address, "/transactions")).Text, Is.EqualTo(list.Body!.ToJsonString()));
        var statement = (await customer.GetAsync(Part.Accounts, $"/accounts/{from}/statement")).Body!.AsArray();
        Assert.That(statement.Sum(line => decimal.Parse($"{line!["amount"]}", CultureInfo.InvariantCulture)), Is.EqualTo(7m));
    }

    [Test]
    public async Task While_another_instance_rebuilds_the_state_that_is_shared_half_of_it_is_not_shown()
    {
        await using var bank = await BankUnderTest.StartAsync(Storage);
        using var customer = await bank.NewCustomerAsync();
        var from = await customer.OpenAccountAsync("10.00");
        var to = await customer.OpenAccountAsync();
        for (var i = 0; i < 3; i++)
            await customer.TransferAsync(from, to, "0.10");
        var list = await Eventually.ReadAsync(() => customer.GetAsync(Part.Transactions, "/transactions"), a => a.Body!.AsArray().Count(t => $"{t!["status"]}" == "ACCEPTED") == 3);
        var statement = await customer.GetAsync(Part.Accounts, $"/accounts/{from}/statement");

        await using (var db = bank.OpenState<TransfersDb>(Part.Transactions))
            await RebuildHalfAsync(db, db.Transfers, row => row.Position);
        await using (var db = bank.OpenState<StatementsDb>(Part.Accounts))
            await RebuildHalfAsync(db, db.Entries, row => row.Position);
        var halfList = await customer.GetAsync(Part.Transactions, "/transactions");
        var halfStatement = await customer.GetAsync(Part.Accounts, $"/accounts/{from}/statement");
        await using var secondAccounts = await bank.StartSecondAsync(Part.Accounts);
        await using var secondTransactions = await bank.StartSecondAsync(Part.Transactions);
        var wholeList = await Eventually.ReadAsync(() => customer.GetAsync(Part.Transactions, "/transactions"), a => a.Status == 200);
        var wholeStatement = await Eventually.ReadAsync(() => customer.GetAsync(Part.Accounts, $"/accounts/{from}/statement"), a => a.Status == 200);

        Assert.That((halfList.Status, halfList.Response.Headers.RetryAfter?.ToString(), halfStatement.Status), Is.EqualTo((503, "1", 503)));
        Assert.That(wholeList.Body!.ToJsonString(), Is.EqualTo(list.Body!.ToJsonString()));
        Assert.That(wholeStatement.Body!.ToJsonString(), Is.EqualTo(statement.Body!.ToJsonString()));
    }

    /// <summary>Leaves a database as an instance leaves it that has started over and come to its first row.</summary>
    private static async Task RebuildHalfAsync<TRow>(ReadModelContext db, IQueryable<TRow> rows, Expression<Func<TRow, long>> positionOf)
    {
        await using var transaction = await db.Database.BeginTransactionAsync();
        var first = await rows.MinAsync(positionOf);
        var later = Expression.Lambda<Func<TRow, bool>>(Expression.GreaterThan(positionOf.Body, Expression.Constant(first)), positionOf.Parameters);
        await rows.Where(later).ExecuteDeleteAsync();
        await db.Checkpoint.ExecuteUpdateAsync(set => set.SetProperty(checkpoint => checkpoint.Position, first));
        await transaction.CommitAsync();
    }

    private static string PositionOf(Answer answer) => answer.Response.Headers.GetValues("Sequent-Position").Single();
}
