using Bank.Tests;
using Bank.Users;
using Bank.Web.Tests.Support;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bank.Web.Tests;

/// <summary>How the page looks, at a desk and on a phone: for machines that judge accessibility, and as pictures for people.</summary>
[TestFixture(1280)]
[TestFixture(390)]
public class LookTests(int width) : SiteTests
{
    [Test]
    public async Task Every_page_fits_is_accessible_and_has_its_picture()
    {
        await using var visitor = await Site.VisitAsync(width);
        await visitor.Page.GotoAsync("/login");
        await LookAsync(visitor, "log-in");
        await visitor.RegisterAsync("X");
        await LookAsync(visitor, "register-refused");
        await visitor.RegisterAsync("helen");
        await Expect(visitor.Page.GetByText("You have no account yet.")).ToBeVisibleAsync();
        await LookAsync(visitor, "no-account");

        var first = await visitor.OpenAccountAsync();
        await LookAsync(visitor, "first-account");
        await visitor.DepositAsync(first, "2500");
        await visitor.GoToAccountsAsync();
        var second = await visitor.OpenAccountAsync();
        await Expect(visitor.Page.GetByText("being opened")).ToHaveCountAsync(0);
        foreach (var (amount, status) in new[] { ("1\u202f200.00", "accepted"), ("99.95", "accepted"), ("5\u202f000.00", "rejected") })
        {
            await visitor.SendAsync(second, amount);
            await visitor.Page.GetByText($"{amount} to account {second}: {status}.").WaitForAsync();
        }

        await visitor.SendAsync(999_999, "0.5");
        await Expect(visitor.Page.GetByText("There is no such account.")).ToHaveCountAsync(2);
        await LookAsync(visitor, "accounts");
        await visitor.SendAsync(first, "x");
        await Expect(visitor.Page.GetByText("That is the account it comes from.")).ToBeVisibleAsync();
        await Expect(visitor.Page.GetByText("Enter an amount such as 12.50")).ToBeVisibleAsync();
        await LookAsync(visitor, "send-refused");
        await visitor.Page.GotoAsync($"/accounts/{first}");
        await Expect(visitor.Statement).ToHaveCountAsync(3);
        await visitor.Field("Amount").FillAsync("9999");
        await visitor.Button("Withdraw").ClickAsync();
        await Expect(visitor.Page.GetByText("There was not enough money on the account. Nothing was changed.")).ToBeVisibleAsync();
        await LookAsync(visitor, "account");
        await visitor.GoToAccountsAsync();
        await Site.Bank.StopAsync(Part.Accounts);
        await visitor.SendAsync(second, "20");
        await Expect(visitor.Page.Locator(".away")).ToBeVisibleAsync();
        await Expect(visitor.Transfers.First).ToContainTextAsync("pending");
        await LookAsync(visitor, "accounts-away");
        await Site.Bank.StartAsync(Part.Accounts);
        await Expect(visitor.Page.Locator(".away")).ToHaveCountAsync(0, new() { Timeout = 30_000 });
        await using (var users = Site.Bank.OpenState<UsersDb>(Part.Users))
        {
            users.RemoveRange(users.Set<Session>());
            await users.SaveChangesAsync();
        }

        await Expect(visitor.Page.GetByText("Your session has ended.")).ToBeVisibleAsync();
        await LookAsync(visitor, "session-ended");
        Assert.That(Site.TakeErrors(), Is.Empty);
        await visitor.Page.GotoAsync("/nothing/here");
        await LookAsync(visitor, "not-found");
        Assert.That(Site.TakeErrors(), Has.Exactly(1).Contains("404").And.Exactly(1).Items, "the browser itself says so");
    }

    private async Task LookAsync(Visitor visitor, string name)
    {
        await visitor.TakePictureAsync($"{name}-{width}");
        var found = await visitor.Page.RunAxe(new AxeRunOptions { ResultTypes = [ResultType.Violations] });
        var overflow = await visitor.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

        Assert.That(found.Violations.Select(v => $"{name}: {v.Impact} {v.Help}: {string.Join("; ", v.Nodes.Select(n => n.Html))}"), Is.Empty);
        Assert.That(overflow, Is.LessThanOrEqualTo(0), $"{name} is wider than {width} px");
    }
}
