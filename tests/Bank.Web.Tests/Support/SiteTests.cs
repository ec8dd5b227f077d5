namespace Bank.Web.Tests.Support;

/// <summary>Tests that share one bank with its page. Whatever a test stops it starts again, and nothing may be left in the console of any browser.</summary>
public abstract class SiteTests
{
    private protected Site Site { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartSiteAsync() => Site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task StopSiteAsync() => await Site.DisposeAsync();

    [TearDown]
    public void The_network_is_quick_again() => Site.Network.Delay = TimeSpan.Zero;

    [TearDown]
    public void The_consoles_of_the_browsers_are_empty() => Assert.That(Site.TakeErrors(), Is.Empty);
}
