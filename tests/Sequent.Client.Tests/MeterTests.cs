using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What is counted for all clients of the process together, so beside no other test.</summary>
[NonParallelizable]
internal sealed class MeterTests : BusTest
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = [];

    [SetUp]
    public void Listen()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == SequentDiagnostics.Name)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => _sums.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        _listener.Start();
    }

    [TearDown]
    public void StopListening() => _listener.Dispose();

    [Test]
    public async Task A_session_counts_from_its_hello_to_its_end()
    {
        await Client.ConnectAsync(Token);
        await UntilAsync(() => Sum("sequent.client.sessions") == 1, "it counts");

        Bus.CutAll();
        await UntilAsync(() => Bus.Connections == 2, "it has connected again");
        await Client.ConnectAsync(Token);
        await UntilAsync(() => Sum("sequent.client.sessions") == 1, "one is over, another counts");

        await Client.DisposeAsync();
        Assert.That(Sum("sequent.client.sessions"), Is.Zero);
    }

    [Test]
    public async Task Each_attempt_to_connect_that_fails_counts()
    {
        Bus.IsDown = true;
        var connecting = Client.ConnectAsync(Token);
        await UntilAsync(() => Sum("sequent.client.connect.failures") >= 3, "it has failed three times");

        Bus.IsDown = false;
        await connecting;
    }

    [Test]
    public async Task A_publish_counts_as_long_as_its_caller_waits()
    {
        var letGo = new TaskCompletionSource();
        Bus.BeforeNext<NewMessage>(() => letGo.Task);
        Task<Receipt>[] publishing = [.. Enumerable.Range(0, 3).Select(i => Client.PublishAsync(new Deposited(i), "k", cancellationToken: Token))];
        await UntilAsync(() => Sum("sequent.client.in_flight") == 3, "they count");

        letGo.SetResult();

        await Task.WhenAll(publishing);
        Assert.That(Sum("sequent.client.in_flight"), Is.Zero);
    }

    private long Sum(string instrument) => _sums.GetValueOrDefault(instrument);
}
