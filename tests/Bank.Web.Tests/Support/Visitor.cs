using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Bank.Web.Tests.Support;

/// <summary>Somebody at a browser, who finds things on the page by what they are called.</summary>
internal sealed class Visitor : IAsyncDisposable
{
    public const string Password = "a long password";

    private const int MostTabs = 30;

    private readonly IBrowserContext _context;

    private Visitor(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    public ILocator Heading => Page.GetByRole(AriaRole.Heading, new() { Level = 1 });

    public ILocator Total => Page.Locator(".total strong");

    public ILocator Transfers => Page.GetByRole(AriaRole.Region, new() { Name = "Transfers" }).Locator("tbody tr");

    public ILocator Statement => Page.GetByRole(AriaRole.Region, new() { Name = "Statement" }).Locator("tbody tr");

    public static async Task<Visitor> OpenAsync(IBrowserContext context, ConcurrentQueue<string> errors)
    {
        context.SetDefaultTimeout(15_000);
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                errors.Enqueue($"{message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => errors.Enqueue(error);
        return new Visitor(context, page);
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator Link(string name) => Page.GetByRole(AriaRole.Link, new() { Name = name });

    public ILocator Field(string name) => Page.GetByLabel(name, new() { Exact = true });

    public async Task RegisterAsync(string name)
    {
        await Page.GotoAsync("/register");
        await Field("Name").FillAsync(name);
        await Field("Password").FillAsync(Password);
        await Button("Register").ClickAsync();
    }

    public async Task LogInAsync(string name, string password = Password)
    {
        await Page.GotoAsync("/login");
        await Field("Name").FillAsync(name);
        await Field("Password").FillAsync(password);
        await Button("Log in").ClickAsync();
    }

    /// <summary>Opens one account more, and tells its number.</summary>
    public async Task<long> OpenAccountAsync()
    {
        var cards = Page.Locator("a.account");
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Open ") }).WaitForAsync();
        var before = await cards.CountAsync();
        await Page.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Open ") }).ClickAsync();
        await cards.Nth(before).WaitForAsync();
        var link = await cards.Nth(before).GetAttributeAsync("href");
        return long.Parse(link!.Split('/')[^1], CultureInfo.InvariantCulture);
    }

    public async Task DepositAsync(long account, string amount)
    {
        await Page.Locator($"a.account[href='/accounts/{account}']").ClickAsync();
        await Heading.Filter(new() { HasText = $"Account {account}" }).WaitForAsync();
        await Field("Amount").FillAsync(amount);
        await Button("Deposit").ClickAsync();
        await Page.GetByText("paid in.").WaitForAsync();
    }

    public async Task GoToAccountsAsync()
    {
        await Link("Your accounts").ClickAsync();
        await Page.Locator("a.account").First.WaitForAsync();
    }

    public async Task SendAsync(long to, string amount)
    {
        await Field("To account").FillAsync(to.ToString(CultureInfo.InvariantCulture));
        await Field("Amount").FillAsync(amount);
        await Button("Send").ClickAsync();
    }

    /// <summary>Presses Tab until something has the focus, as somebody without a mouse does.</summary>
    public async Task TabToAsync(ILocator target, string key = "Tab")
    {
        for (var presses = 0; presses < MostTabs; presses++)
        {
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
                return;
            await Page.Keyboard.PressAsync(key);
        }

        Assert.Fail($"{target} cannot be reached with {key}.");
    }

    /// <summary>Kept as an artifact of the build, to be looked at.</summary>
    public async Task TakePictureAsync(string name)
    {
        await Page.Mouse.MoveAsync(0, 0); // over nothing
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures.Folder, $"{name}.png"), FullPage = true, Animations = ScreenshotAnimations.Disabled });
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
