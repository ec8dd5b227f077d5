using System.Text.RegularExpressions;
using Bank.Tests;
using Bank.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>Parts of the bank go and come back under the page.</summary>
public class RecoveryTests
{
    private static readonly LocatorAssertionsToHaveCountOptions Patiently = new() { Timeout = 30_000 };

    private Site _site = null!;

    [SetUp]
    public async Task StartAsync() => _site = await Site.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _site.DisposeAsync();

    [Test]
    public async Task A_transfer_waits_for_Accounts_and_is_carried_out_when_it_is_back()
    {
        await using var alice = await _site.VisitAsync();
        await alice.RegisterAsync("alice-waits");
        var from = await alice.OpenAccountAsync();
        await alice.DepositAsync(from, "50");
        await alice.GoToAccountsAsync();
        var to = await alice.OpenAccountAsync();
        await Expect(alice.Page.GetByText("being opened")).ToHaveCountAsync(0);

        await _site.Bank.StopAsync(Part.Accounts);
        await Expect(alice.Page.GetByText("Balances and statements cannot be read at the moment")).ToBeVisibleAsync();
        await Expect(alice.Page.GetByText(new Regex("What you see is from"))).ToBeVisibleAsync();
        await Expect(alice.Total).ToHaveTextAsync("50.00");
        await alice.SendAsync(to, "20");
        await Expect(alice.Page.GetByText($"20.00 to account {to}: pending …")).ToBeVisibleAsync();
        await Expect(alice.Transfers.First).ToContainTextAsync("pending");
        await alice.TakePictureAsync("accounts-away-1280");
        await _site.Bank.StartAsync(Part.Accounts);

        await Expect(alice.Page.Locator(".away")).ToHaveCountAsync(0, Patiently);
        await Expect(alice.Page.GetByText($"20.00 to account {to}: accepted.")).ToBeVisibleAsync();
        await Expect(alice.Page.Locator($"a.account[href='/accounts/{to}'] .balance")).ToHaveTextAsync("20.00");
        Assert.That(alice.Errors, Is.Empty);
    }

    [TestCase(nameof(Part.Users), "The bank cannot check who you are at the moment.")]
    [TestCase(nameof(Part.Transactions), "Transfers cannot be made at the moment.")]
    [TestCase(nameof(Part.Bus), "Balances and statements cannot be read at the moment")]
    public async Task What_is_away_is_told_and_what_was_seen_stays(string name, string note)
    {
        var part = Enum.Parse<Part>(name);
        await using var bob = await _site.VisitAsync();
        await bob.RegisterAsync("bob-stays");
        var account = await bob.OpenAccountAsync();
        await bob.DepositAsync(account, "5");

        await _site.Bank.StopAsync(part);
        await Expect(bob.Page.GetByText(note)).ToBeVisibleAsync();
        await Expect(bob.Total).ToHaveTextAsync("5.00");
        await _site.Bank.StartAsync(part);

        await Expect(bob.Page.Locator(".away")).ToHaveCountAsync(0, Patiently);
        await bob.Field("Amount").FillAsync("2");
        await bob.Button("Deposit").ClickAsync();
        await Expect(bob.Total).ToHaveTextAsync("7.00");
        Assert.That(bob.Errors, Is.Empty);
    }

    [Test]
    public async Task A_deposit_that_nobody_answers_is_made_once_when_the_bank_is_back()
    {
        await using var carol = await _site.VisitAsync();
        await carol.RegisterAsync("carol-repeats");
        var account = await carol.OpenAccountAsync();
        await carol.DepositAsync(account, "5");

        await _site.Bank.StopAsync(Part.Bus);
        await carol.Field("Amount").FillAsync("3");
        await carol.Button("Deposit").ClickAsync();
        await _site.Bank.StartAsync(Part.Bus);

        await Expect(carol.Total).ToHaveTextAsync("8.00", new() { Timeout = 30_000 });
        await Expect(carol.Statement).ToHaveCountAsync(2, Patiently);
    }

    [Test]
    public async Task A_session_that_has_ended_leads_to_the_log_in()
    {
        await using var dave = await _site.VisitAsync();
        await dave.RegisterAsync("dave-expires");
        await dave.OpenAccountAsync();
        await using (var users = _site.Bank.OpenState<Bank.Users.UsersDb>(Part.Users))
        {
            users.RemoveRange(users.Set<Bank.Users.Session>());
            await users.SaveChangesAsync();
        }

        await Expect(dave.Page.GetByText("Your session has ended. Please log in again.")).ToBeVisibleAsync();

        await dave.TakePictureAsync("session-ended-1280");
        await dave.LogInAsync("dave-expires");
        await Expect(dave.Heading).ToHaveTextAsync("Your accounts");
    }

    [Test]
    public async Task The_page_itself_comes_back_and_knows_its_customer()
    {
        await using var erin = await _site.VisitAsync();
        await erin.RegisterAsync("erin-remains");
        await erin.OpenAccountAsync();
        await _site.StopPageAsync();
        await _site.StartPageAsync();

        await erin.Page.ReloadAsync();

        await Expect(erin.Page.GetByText("Logged in as erin-remains")).ToBeVisibleAsync();
        await Expect(erin.Page.Locator("a.account")).ToHaveCountAsync(1);
    }

    [Test]
    public async Task Who_logs_out_while_Users_is_away_is_told_that_the_session_ends_later()
    {
        await using var frank = await _site.VisitAsync();
        await frank.RegisterAsync("frank-leaves");
        await frank.OpenAccountAsync();
        await _site.Bank.StopAsync(Part.Users);

        await frank.Button("Log out").ClickAsync();

        await Expect(frank.Page.GetByText("You are logged out in this browser.")).ToBeVisibleAsync();
        await frank.LogInAsync("frank-leaves");
        await Expect(frank.Page.GetByText("The bank cannot check who you are at the moment. Please try again.")).ToBeVisibleAsync();
    }
}
