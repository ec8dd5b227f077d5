using Bank.Web.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>What a customer does, in a real browser, from the first visit to the last.</summary>
public class WalkThroughTests : SiteTests
{
    [Test]
    public async Task From_registering_to_logging_out()
    {
        await using var bob = await Site.VisitAsync();
        await bob.RegisterAsync("bob-walks");
        var bobs = await bob.OpenAccountAsync();
        await using var alice = await Site.VisitAsync();

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
    }

    [Test]
    public async Task Who_logs_in_comes_to_the_page_that_was_asked_for()
    {
        await using var visitor = await Site.VisitAsync();
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
    public async Task A_link_to_the_log_in_leads_to_no_otherSite(string link)
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync($"c{Guid.NewGuid():N}"[..20]);
        var name = (await visitor.Page.Locator(".who strong").TextContentAsync())!;
        await visitor.Button("Log out").ClickAsync();

        await visitor.Page.GotoAsync(link);
        await visitor.Field("Name").FillAsync(name);
        await visitor.Field("Password").FillAsync(Visitor.Password);
        await visitor.Button("Log in").ClickAsync();

        await Expect(visitor.Heading).ToHaveTextAsync("Your accounts");
        Assert.That(new Uri(visitor.Page.Url).Authority, Is.EqualTo(Site.Address.Authority));
    }

    [Test]
    public async Task What_is_typed_wrong_is_said_at_its_field_and_nothing_is_sent()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("D");
        await Expect(visitor.Page.Locator(".hint.bad")).ToContainTextAsync("3 to 32 small letters");
        await Expect(visitor.Field("Name")).ToHaveAttributeAsync("aria-invalid", "true");
        await visitor.RegisterAsync("dave-errs");
        var account = await visitor.OpenAccountAsync();

        await visitor.SendAsync(account, "twelve");

        await Expect(visitor.Page.GetByText("That is the account it comes from.")).ToBeVisibleAsync();
        await Expect(visitor.Page.GetByText("Enter an amount such as 12.50")).ToBeVisibleAsync();
        await Expect(visitor.Field("To account")).ToBeFocusedAsync();
        await visitor.SendAsync(account + 1, "1");
        await Expect(visitor.Transfers.First).ToContainTextAsync("rejected");
        await Expect(visitor.Transfers).ToHaveCountAsync(1);
    }

    [Test]
    public async Task A_name_that_is_taken_and_a_wrong_password_are_told()
    {
        await using var visitor = await Site.VisitAsync();
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
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("frank-looks");
        await Expect(visitor.Page.GetByText("You have no account yet.")).ToBeVisibleAsync();

        await visitor.Page.GotoAsync("/accounts/1");
        await Expect(visitor.Heading).ToHaveTextAsync("Account 1 is not yours");
        await visitor.Page.GotoAsync("/nothing/here");

        await Expect(visitor.Heading).ToHaveTextAsync("There is no such page");
        Assert.That(Site.TakeErrors(), Has.Exactly(1).Contains("404").And.Exactly(1).Items, "the browser itself says so");
    }

    [Test]
    public async Task Money_is_sent_and_the_bank_left_with_the_keyboard_alone()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("grace-types");
        var account = await visitor.OpenAccountAsync();
        await visitor.DepositAsync(account, "10");
        await visitor.GoToAccountsAsync();
        var other = await visitor.OpenAccountAsync();
        await visitor.Page.ReloadAsync();
        await Expect(visitor.Heading).ToBeFocusedAsync();

        await visitor.TabToAsync(visitor.Field("To account"));
        await visitor.Page.Keyboard.TypeAsync($"{other}");
        await visitor.TabToAsync(visitor.Field("Amount"));
        await visitor.Page.Keyboard.TypeAsync("4.25");
        await visitor.Page.Keyboard.PressAsync("Enter");
        await Expect(visitor.Page.GetByText($"4.25 to account {other}: accepted.")).ToBeVisibleAsync();
        await Expect(visitor.Field("Amount")).ToHaveValueAsync("");
        await visitor.Page.ReloadAsync();
        await visitor.Page.Keyboard.PressAsync("Shift+Tab");
        await visitor.TabToAsync(visitor.Button("Log out"), "Shift+Tab");
        await visitor.Page.Keyboard.PressAsync("Enter");

        await Expect(visitor.Page.GetByText("You are logged out.")).ToBeVisibleAsync();
    }

    [Test]
    public async Task Who_is_quicker_with_the_keyboard_than_the_page_stays_where_they_are()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("ivan-is-quick");
        await Expect(visitor.Heading).ToBeFocusedAsync();
        var mayComeAlive = new TaskCompletionSource();
        await visitor.Page.RouteAsync("**/_blazor/negotiate*", async route =>
        {
            await mayComeAlive.Task;
            await route.ContinueAsync();
        });
        await visitor.Page.ReloadAsync();
        await visitor.TabToAsync(visitor.Button("Log out"));
        await visitor.Page.EvaluateAsync("() => { const begin = beginAt; beginAt = heading => { begin(heading); window.hasBegun = true; }; }");

        mayComeAlive.SetResult();

        await visitor.Page.WaitForFunctionAsync("() => window.hasBegun");
        await Expect(visitor.Button("Log out")).ToBeFocusedAsync();
    }

    [Test]
    public async Task Who_logs_out_is_told_so_also_if_the_page_notices_first()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("kim-leaves");
        await Expect(visitor.Page.GetByText("You have no account yet.")).ToBeVisibleAsync(); // it is alive, and asks again and again
        Site.Network.Delay = TimeSpan.FromMinutes(1); // of the answer, which nobody waits for that long

        await visitor.Button("Log out").ClickAsync();

        await Expect(visitor.Page.GetByText("You are logged out.")).ToBeVisibleAsync();
    }

    [Test]
    public async Task Every_page_begins_at_its_heading_also_when_a_link_that_is_on_both_led_there()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("judy-goes-home");
        await visitor.OpenAccountAsync();
        await visitor.Page.Locator("a.account").First.ClickAsync();
        await Expect(visitor.Link("Your accounts")).ToBeVisibleAsync();
        await Expect(visitor.Heading).ToBeFocusedAsync();

        await visitor.Link("Sequent Bank").ClickAsync();

        await visitor.Page.Locator("a.account").First.WaitForAsync();
        await Expect(visitor.Heading).ToBeFocusedAsync();
    }

    [Test]
    public async Task Pressing_twice_moves_money_once()
    {
        await using var visitor = await Site.VisitAsync();
        await visitor.RegisterAsync("heidi-hurries");
        var from = await visitor.OpenAccountAsync();
        await visitor.DepositAsync(from, "10");
        await visitor.GoToAccountsAsync();
        var to = await visitor.OpenAccountAsync();
        await visitor.Field("To account").FillAsync($"{to}");
        await visitor.Field("Amount").FillAsync("3");
        Site.Network.Delay = TimeSpan.FromMilliseconds(500);
        Site.Network.Posts.Clear();

        await visitor.Button("Send").DblClickAsync();
        await Expect(visitor.Page.GetByText($"3.00 to account {to}: accepted.")).ToBeVisibleAsync();

        Assert.That(Site.Network.Posts.Count(path => path == "/transactions"), Is.EqualTo(1));
    }
}
