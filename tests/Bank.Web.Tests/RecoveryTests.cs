using System.Text.RegularExpressions;
using Bank.Tests;
using Bank.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>Parts of the bank go and come back under the page.</summary>
public class RecoveryTests : SiteTests
{
    private static readonly LocatorAssertionsToHaveCountOptions Patiently = new() { Timeout = 30_000 };

    [Test]
    public async Task A_transfer_waits_for_Accounts_and_is_carried_out_when_it_is_back()
    {
        await using var alice = await Site.VisitAsync();
        await alice.RegisterAsync("alice-waits");
        var from = await alice.OpenAccountAsync();
        await alice.DepositAsync(from, "50");
        await alice.GoToAccountsAsync();
        var to = await alice.OpenAccountAsync();
        await Expect(alice.Page.GetByText("being opened")).ToHaveCountAsync(0);

        await Site.Bank.StopAsync(Part.Accounts);
        await Expect(alice.Page.GetByText("Balances and statements cannot be read at the moment")).ToBeVisibleAsync();
        await Expect(alice.Page.GetByText(new Regex("those you see are from"))).ToBeVisibleAsync();
        await Expect(alice.Total).ToHaveTextAsync("50.00");
        await alice.SendAsync(to, "20");
        await Expect(alice.Page.GetByText($"20.00 to account {to}: pending …")).ToBeVisibleAsync();
        await Expect(alice.Transfers.First).ToContainTextAsync("pending");
        await Site.Bank.StartAsync(Part.Accounts);

        await Expect(alice.Page.Locator(".away")).ToHaveCountAsync(0, Patiently);
        await Expect(alice.Page.GetByText($"20.00 to account {to}: accepted.")).ToBeVisibleAsync();
        await Expect(alice.Page.Locator($"a.account[href='/accounts/{to}'] .balance")).ToHaveTextAsync("20.00");
    }

    [TestCase(nameof(Part.Users), "The bank cannot check who you are at the moment.")]
    [TestCase(nameof(Part.Transactions), "Transfers cannot be made at the moment")]
    [TestCase(nameof(Part.Bus), "Balances and statements cannot be read at the moment")]
    public async Task What_is_away_is_told_and_what_was_seen_stays(string name, string note)
    {
        var part = Enum.Parse<Part>(name);
        await using var bob = await Site.VisitAsync();
        await bob.RegisterAsync($"bob-misses-{name.ToLowerInvariant()}");
        var account = await bob.OpenAccountAsync();
        await bob.DepositAsync(account, "5");

        await Site.Bank.StopAsync(part);
        await Expect(bob.Page.GetByText(note)).ToBeVisibleAsync();
        await Expect(bob.Total).ToHaveTextAsync("5.00");
        await Site.Bank.StartAsync(part);

        await Expect(bob.Page.Locator(".away")).ToHaveCountAsync(0, Patiently);
        await bob.Field("Amount").FillAsync("2");
        await bob.Button("Deposit").ClickAsync();
        await Expect(bob.Total).ToHaveTextAsync("7.00");
    }

    [Test]
    public async Task A_deposit_whose_answers_get_lost_is_made_once()
    {
        await using var carol = await Site.VisitAsync();
        await carol.RegisterAsync("carol-repeats");
        var account = await carol.OpenAccountAsync();
        await carol.DepositAsync(account, "5");
        Site.Network.AnswersToLose = 5;
        Site.Network.Posts.Clear();

        await carol.Field("Amount").FillAsync("3");
        await carol.Button("Deposit").ClickAsync();
        await Expect(carol.Page.GetByText("it may be done or not")).ToBeVisibleAsync();
        var attempts = Site.Network.Posts.Count;
        await carol.Button("Deposit").ClickAsync();

        await Expect(carol.Page.GetByText("3.00 paid in.")).ToBeVisibleAsync();
        Assert.That((attempts, Site.Network.Posts.Count), Is.EqualTo((4, 6)), "four attempts by the first press, two by the second");
        await Expect(carol.Statement).ToHaveCountAsync(2);
        await Expect(carol.Total).ToHaveTextAsync("8.00");
    }

    [Test]
    public async Task A_session_that_has_ended_leads_to_the_log_in()
    {
        await using var dave = await Site.VisitAsync();
        await dave.RegisterAsync("dave-expires");
        var account = await dave.OpenAccountAsync();
        await dave.DepositAsync(account, "1");
        await using (var users = Site.Bank.OpenState<Bank.Users.UsersDb>(Part.Users))
        {
            users.RemoveRange(users.Set<Bank.Users.Session>());
            await users.SaveChangesAsync();
        }

        await Expect(dave.Page.GetByText("Your session has ended. Please log in again.")).ToBeVisibleAsync();

        await dave.Field("Name").FillAsync("dave-expires");
        await dave.Field("Password").FillAsync(Visitor.Password);
        await dave.Button("Log in").ClickAsync();
        await Expect(dave.Heading).ToHaveTextAsync($"Account {account}");
    }

    [Test]
    public async Task The_page_itself_comes_back_and_knows_its_customer()
    {
        await using var erin = await Site.VisitAsync();
        await erin.RegisterAsync("erin-remains");
        await erin.OpenAccountAsync();
        await Site.StopPageAsync();
        await Expect(erin.Page.GetByText(new Regex("^Rejoin"))).ToBeVisibleAsync();
        await Site.StartPageAsync();

        await Expect(erin.Page.GetByText(new Regex("^Rejoin"))).ToHaveCountAsync(0, Patiently);
        await Expect(erin.Page.GetByText("Logged in as erin-remains")).ToBeVisibleAsync();
        await Expect(erin.Page.Locator("a.account")).ToHaveCountAsync(1);
        Assert.That(Site.TakeErrors(), Is.Not.Empty, "the browser tells that its connection was lost");
    }

    [Test]
    public async Task Who_logs_out_while_Users_is_away_is_told_that_the_session_ends_later()
    {
        await using var frank = await Site.VisitAsync();
        await frank.RegisterAsync("frank-leaves");
        await frank.OpenAccountAsync();
        await Site.Bank.StopAsync(Part.Users);

        await frank.Button("Log out").ClickAsync();

        await Expect(frank.Page.GetByText("You are logged out in this window.")).ToBeVisibleAsync();
        await frank.LogInAsync("frank-leaves");
        await Expect(frank.Page.GetByText("The bank cannot check who you are at the moment. Please try again.")).ToBeVisibleAsync();
        await Site.Bank.StartAsync(Part.Users);
    }
}
