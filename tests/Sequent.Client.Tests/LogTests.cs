using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Sequent.Bus;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

/// <summary>What a service logs of its connections, at Information and above: the story of each session.</summary>
internal sealed class LogTests : BusTest
{
    private readonly FakeLogCollector _lines = FakeLogCollector.Create(new FakeLogCollectorOptions { FilteredLevels = { LogLevel.Information, LogLevel.Warning, LogLevel.Error } });

    [Test]
    public async Task A_session_begins_registers_is_lost_and_begins_again()
    {
        using var loggers = LoggerFactory.Create(l => l.AddProvider(new FakeLoggerProvider(_lines)));
        var client = NewClient(o => o.LoggerFactory = loggers);
        var deliveries = client.SubscribeAsync(new SubscriptionOptions("accounts"), Token).GetAsyncEnumerator(Token);
        var next = deliveries.MoveNextAsync().AsTask();
        await UntilLoggedAsync("Registered as an instance of accounts", 1);
        Bus.CutAll();
        await UntilLoggedAsync("Registered as an instance of accounts", 2);
        await client.DisposeAsync();

        Assert.That(Story(), Does.Match("^connected registered ended connected registered ended$"));
        var ends = _lines.GetSnapshot().Where(l => l.Message.Contains(" ended: ", StringComparison.Ordinal)).Select(l => l.Message.Split(" ended: ")[1]).ToArray();
        Assert.That(ends[0], Is.Not.EqualTo("this client has closed it").And.Not.Empty, "why it was lost");
        Assert.That(ends[1], Is.EqualTo("this client has closed it"));
        Assert.That(async () => await next, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_bus_that_stops_says_so()
    {
        using var loggers = LoggerFactory.Create(l => l.AddProvider(new FakeLoggerProvider(_lines)));
        await using var bus = FaultyBus.NewApplication(services => services.AddSequentBus(o => o.DataFile = null));
        bus.MapSequentBus();
        await bus.StartAsync(Token);
        await using var client = NewClient(o => (o.Server, o.LoggerFactory) = (FaultyBus.AddressOf(bus), loggers));
        await client.ConnectAsync(Token);
        await bus.StopAsync(Token);
        await UntilLoggedAsync(" ended: the bus said goodbye (", 1);
        Assert.That(_lines.GetSnapshot(), Has.Some.Matches<FakeLogRecord>(l => l!.Message.Contains("is about to stop", StringComparison.Ordinal)));
    }

    private Task UntilLoggedAsync(string text, int times) =>
        UntilAsync(() => _lines.GetSnapshot().Count(l => l.Message.Contains(text, StringComparison.Ordinal)) == times, $"'{text}' is logged {times} times");

    private string Story() => string.Join(' ', _lines.GetSnapshot().Select(l => l.Message switch
    {
        var m when m.StartsWith("Connected to", StringComparison.Ordinal) => "connected",
        var m when m.StartsWith("Registered as", StringComparison.Ordinal) => "registered",
        var m when m.Contains(" ended: ", StringComparison.Ordinal) => "ended",
        var m => m,
    }));
}
