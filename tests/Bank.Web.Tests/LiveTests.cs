using System.Diagnostics;
using Bank.Web.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>What others do shows by itself.</summary>
public class LiveTests : SiteTests
{
    [Test]
    public async Task A_transfer_is_seen_in_the_other_browser_within_a_second()
    {
        await using var alice = await Site.VisitAsync();
        await alice.RegisterAsync("alice-sends");
        var from = await alice.OpenAccountAsync();
        await alice.DepositAsync(from, "50");
        await alice.GoToAccountsAsync();
        await using var bob = await Site.VisitAsync();
        await bob.RegisterAsync("bob-watches");
        var to = await bob.OpenAccountAsync();
        await Expect(bob.Total).ToHaveTextAsync("0.00");

        var times = new List<double>();
        for (var sent = 1; sent <= 5; sent++)
        {
            await alice.SendAsync(to, "2");
            var watch = Stopwatch.StartNew();
            await bob.Total.Filter(new() { HasText = $"{2 * sent}.00" }).WaitForAsync();
            await Expect(bob.Transfers.Filter(new() { HasText = "accepted" })).ToHaveCountAsync(sent);
            times.Add(watch.Elapsed.TotalMilliseconds);
            await Expect(alice.Field("Amount")).ToHaveValueAsync("");
        }

        times.Sort();
        TestContext.Out.WriteLine($"Seen after {string.Join(", ", times.Select(ms => $"{ms:N0}"))} ms.");
        await Expect(bob.Transfers.First).ToContainTextAsync($"From account {from} to your {to}");
        await Expect(bob.Transfers.First).ToContainTextAsync("+2.00");
        await Expect(alice.Total).ToHaveTextAsync("40.00");
        Assert.That(times[2], Is.LessThan(1_000), "the median of five");
    }

    [Test]
    public async Task A_statement_grows_while_it_is_looked_at()
    {
        await using var carol = await Site.VisitAsync();
        await carol.RegisterAsync("carol-reads");
        var account = await carol.OpenAccountAsync();
        await carol.Page.GotoAsync($"/accounts/{account}");
        await Expect(carol.Page.GetByText("No money has come or gone yet.")).ToBeVisibleAsync();
        await using var second = await Site.VisitAsync();
        await second.LogInAsync("carol-reads");
        await second.DepositAsync(account, "7.77");

        await Expect(carol.Statement).ToHaveCountAsync(1);

        await Expect(carol.Statement.First).ToContainTextAsync("+7.77");
        await Expect(carol.Total).ToHaveTextAsync("7.77");
    }
}
