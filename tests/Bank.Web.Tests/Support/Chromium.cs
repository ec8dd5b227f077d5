using Microsoft.Playwright;

namespace Bank.Web.Tests.Support;

/// <summary>One browser for the whole run: Debian's Chromium, or the one at <c>SEQUENT_TEST_CHROMIUM</c>. Started by the first test that asks.</summary>
[SetUpFixture]
public sealed class Chromium
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    private static readonly SemaphoreSlim Turn = new(1, 1);

    // No sandbox: it needs rights that containers do not have, and the only pages are our own. The rest keeps it from the network.
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private static IPlaywright? _playwright;
    private static IBrowser? _browser;

    /// <summary>The test is skipped if there is none.</summary>
    public static async Task<IBrowser> GetAsync()
    {
        await Turn.WaitAsync();
        try
        {
            return _browser ??= await StartAsync();
        }
        finally
        {
            Turn.Release();
        }
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static async Task<IBrowser> StartAsync()
    {
        var given = Environment.GetEnvironmentVariable("SEQUENT_TEST_CHROMIUM");
        if ((given is { Length: > 0 } ? given : Programs.FirstOrDefault(File.Exists)) is not { } program)
        {
            Assert.Ignore("The tests of the page need Chromium: apt-get install chromium, or set SEQUENT_TEST_CHROMIUM to its path.");
            throw new InvalidOperationException(); // Ignore has thrown
        }

        // As long as a service may take to say that another one does not answer, and some more.
        Assertions.SetDefaultExpectTimeout(15_000);
        _playwright = await Playwright.CreateAsync();
        return await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = Arguments });
    }
}
