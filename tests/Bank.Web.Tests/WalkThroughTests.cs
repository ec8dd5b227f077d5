using Bank.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>What a customer does, in a real browser, from the first visit to the last.</summary>
public class WalkThroughTests
{
    private Site _site = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _site.DisposeAsync();

    [Test]
    public async Task From_registering_to_logging_out()
    {
        await using var bob = await _site.VisitAsync();
        await bob.RegisterAsync("bob-walks");
        var bobs = await bob.OpenAccountAsync();
        await using var alice = await _site.VisitAsync();

        await alice.RegisterAsync("alice-walks");
        await Expect(alice.Heading).ToHaveTextAsync("Your accounts");
        await Expect(alice.Page.GetByText("You have no account yet.")).ToBeVisibleAsync();
        var account = await alice.OpenAccountAsync();
        await alice.DepositAsync(account, "1234,5");
        await Expect(alice.Total).ToHaveTextAsync("1\u202f234.50");
        await Expect(alice.Statement).ToHaveCountAsync(1);
        await Expect(alice.Statement.First).ToContainTextAsync("Deposit");

        await alice.Field("Amount").FillAsync("234.50");
        await alice.Button("Withdraw").ClickAsync();
        await Expect(alice.Total).ToHaveTextAsync("1\u202f000.00");
        await Expect(alice.Statement).ToHaveCountAsync(2);
        await Expect(alice.Statement.First).ToContainTextAsync("Withdrawal");
        await Expect(alice.Statement.First).ToContainTextAsync("\u2212234.50");

        await alice.GoToAccountsAsync();
        await alice.SendAsync(bobs, "100");
        await Expect(alice.Page.GetByText($"100.00 to account {bobs}: accepted.")).ToBeVisibleAsync();
        await Expect(alice.Total).ToHaveTextAsync("900.00");
        await alice.SendAsync(bobs, "900.01");
        await Expect(alice.Page.GetByText($"900.01 to account {bobs}: rejected. There was not enough money on the account.")).ToBeVisibleAsync();
        await Expect(alice.Transfers).ToHaveCountAsync(2);
        await Expect(alice.Transfers.First).ToContainTextAsync("rejected");
        await Expect(alice.Total).ToHaveTextAsync("900.00");

        await alice.Page.ReloadAsync();
        await Expect(alice.Page.GetByText("Logged in as alice-walks")).ToBeVisibleAsync();
        await Expect(alice.Total).ToHaveTextAsync("900.00");

        await alice.Button("Log out").ClickAsync();
        await Expect(alice.Page.GetByText("You are logged out.")).ToBeVisibleAsync();
        await alice.Page.GotoAsync("/");
        await Expect(alice.Heading).ToHaveTextAsync("Log in");
        Assert.That(alice.Errors.Concat(bob.Errors), Is.Empty);
    }

    [Test]
    public async Task Who_logs_in_comes_to_the_page_that_was_asked_for()
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync("carol-returns");
        var account = await visitor.OpenAccountAsync();
        await visitor.Button("Log out").ClickAsync();

        await visitor.Page.GotoAsync($"/accounts/{account}");
        await visitor.Field("Name").FillAsync("carol-returns");
        await visitor.Field("Password").FillAsync(Visitor.Password);
        await visitor.Button("Log in").ClickAsync();

        await Expect(visitor.Heading).ToHaveTextAsync($"Account {account}");
    }

    [TestCase("/login?return=https://example.org/")]
    [TestCase("/login?return=//example.org/")]
    [TestCase("/login?return=/\\example.org/")]
    public async Task A_link_to_the_log_in_leads_to_no_other_site(string link)
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync($"c{Guid.NewGuid():N}"[..20]);
        var name = (await visitor.Page.Locator(".who strong").TextContentAsync())!;
        await visitor.Button("Log out").ClickAsync();

        await visitor.Page.GotoAsync(link);
        await visitor.Field("Name").FillAsync(name);
        await visitor.Field("Password").FillAsync(Visitor.Password);
        await visitor.Button("Log in").ClickAsync();

        await Expect(visitor.Heading).ToHaveTextAsync("Your accounts");
        Assert.That(new Uri(visitor.Page.Url).Authority, Is.EqualTo(_site.Address.Authority));
    }

    [Test]
    public async Task What_is_typed_wrong_is_said_at_its_field_and_nothing_is_sent()
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync("D");
        await Expect(visitor.Page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("3 to 32 of a-z");
        await Expect(visitor.Field("Name")).ToHaveAttributeAsync("aria-invalid", "true");
        await visitor.RegisterAsync("dave-errs");
        var account = await visitor.OpenAccountAsync();

        await visitor.SendAsync(account, "twelve");

        await Expect(visitor.Page.GetByText("That is the account it comes from.")).ToBeVisibleAsync();
        await Expect(visitor.Page.GetByText("Enter an amount from 0.01")).ToBeVisibleAsync();
        await Expect(visitor.Transfers).ToHaveCountAsync(0);
    }

    [Test]
    public async Task A_name_that_is_taken_and_a_wrong_password_are_told()
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync("erin-again");
        await visitor.Button("Log out").ClickAsync();
        await visitor.RegisterAsync("erin-again");
        await Expect(visitor.Page.GetByText("This name is taken.")).ToBeVisibleAsync();

        await visitor.LogInAsync("erin-again", "not the password");

        await Expect(visitor.Page.GetByText("The name or the password is wrong.")).ToBeVisibleAsync();
        await Expect(visitor.Field("Name")).ToHaveValueAsync("erin-again");
        await Expect(visitor.Field("Password")).ToHaveValueAsync("");
    }

    [Test]
    public async Task An_account_of_somebody_else_and_a_page_that_does_not_exist_say_so()
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync("frank-looks");
        await Expect(visitor.Page.GetByText("You have no account yet.")).ToBeVisibleAsync();

        await visitor.Page.GotoAsync("/accounts/1");
        await Expect(visitor.Heading).ToHaveTextAsync("Account 1 is not yours");
        await visitor.Page.GotoAsync("/nothing/here");

        await Expect(visitor.Heading).ToHaveTextAsync("There is no such page");
    }

    [Test]
    public async Task Everything_can_be_done_with_the_keyboard()
    {
        await using var visitor = await _site.VisitAsync();
        await visitor.RegisterAsync("grace-types");
        var account = await visitor.OpenAccountAsync();
        await visitor.DepositAsync(account, "10");
        await visitor.GoToAccountsAsync();
        var other = await visitor.OpenAccountAsync();
        await Expect(visitor.Page.GetByText("being opened")).ToHaveCountAsync(0);

        await visitor.Page.GetByLabel("From").FocusAsync();
        foreach (var typed in new[] { $"{other}", "4.25" })
        {
            await visitor.Page.Keyboard.PressAsync("Tab");
            await visitor.Page.Keyboard.TypeAsync(typed);
        }

        await visitor.Page.Keyboard.PressAsync("Enter");

        await Expect(visitor.Page.GetByText($"4.25 to account {other}: accepted.")).ToBeVisibleAsync();
        await Expect(visitor.Transfers.First).ToContainTextAsync($"From your account {account} to your account {other}");
    }
}
