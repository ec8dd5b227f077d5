using System.Diagnostics;
using Bank.Web.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>What others do shows by itself.</summary>
public class LiveTests
{
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _site.DisposeAsync();

    [Test]
    public async Task A_transfer_is_seen_in_the_other_browser_within_a_second()
    {
        await using var alice = await _site.VisitAsync();
        await alice.RegisterAsync("alice-sends");
        var from = await alice.OpenAccountAsync();
        await alice.DepositAsync(from, "50");
        await alice.GoToAccountsAsync();
        await using var bob = await _site.VisitAsync();
        await bob.RegisterAsync("bob-watches");
        var to = await bob.OpenAccountAsync();
        await Expect(bob.Total).ToHaveTextAsync("0.00");

        await alice.SendAsync(to, "20");
        var watch = Stopwatch.StartNew();
        await bob.Total.Filter(new() { HasText = "20.00" }).WaitForAsync();
        await bob.Transfers.Filter(new() { HasText = "accepted" }).WaitForAsync();
        watch.Stop();

        await Expect(bob.Transfers.First).ToContainTextAsync($"To account {to} from account {from}");
        await Expect(bob.Transfers.First).ToContainTextAsync("+20.00");
        await Expect(alice.Total).ToHaveTextAsync("30.00");
        TestContext.Out.WriteLine($"Seen after {watch.ElapsedMilliseconds} ms.");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(1)));
        Assert.That(alice.Errors.Concat(bob.Errors), Is.Empty);
    }

    [Test]
    public async Task A_statement_grows_while_it_is_looked_at()
    {
        await using var carol = await _site.VisitAsync();
        await carol.RegisterAsync("carol-reads");
        var account = await carol.OpenAccountAsync();
        await carol.Page.GotoAsync($"/accounts/{account}");
        await Expect(carol.Page.GetByText("No money has come or gone yet.")).ToBeVisibleAsync();
        await using var second = await _site.VisitAsync();
        await second.LogInAsync("carol-reads");
        await second.DepositAsync(account, "7.77");

        await Expect(carol.Statement).ToHaveCountAsync(1);

        await Expect(carol.Statement.First).ToContainTextAsync("+7.77");
        await Expect(carol.Total).ToHaveTextAsync("7.77");
    }
}
