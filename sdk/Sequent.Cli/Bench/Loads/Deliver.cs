using System.Diagnostics;
using Sequent.Client;

namespace Sequent.Cli.Bench.Loads;

/// <summary>Publishes through the SDK; instances of one client type take the events and ack them. An operation lasts from the publish to the ack.</summary>
internal sealed class Deliver(BenchPlan plan) : ILoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KeyChooser _keys = new(plan.Keys, plan.Zipf);
    private readonly string _pad = Measured.PadFor(plan.Size);
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _taking = [];
    private readonly List<SequentClient> _instances = [];
    private readonly SemaphoreSlim _room = new(plan.Window);
    private SdkClients _publishers = null!;
    private Meter? _meter;

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        _publishers = await SdkClients.ConnectAsync(bus, plan.Connections, plan.Window, cancellationToken);
        for (var i = 0; i < plan.Instances; i++)
        {
            var client = SdkClients.Create(bus, plan.Window);
            _instances.Add(client);
            await client.ConnectAsync(cancellationToken);
            _taking.Add(Task.Run(() => TakeAsync(client), CancellationToken.None));
        }
    }

    /// <summary>Closed: as many events as the window are between publish and ack. At a rate, the window bounds the publishes alone.</summary>
    public async Task RunAsync(Meter meter, CancellationToken stop)
    {
        _meter = meter;
        var published = 0L;
        await Pacing.RunAsync(plan, async since =>
        {
            if (plan.Rate is null)
            {
                await _room.WaitAsync(CancellationToken.None);
                since = Stopwatch.GetTimestamp();
            }

            Interlocked.Increment(ref published);
            await _publishers.Next().PublishAsync(new Measured(since, _pad), _keys.Next());
        }, stop);
        for (var waited = Stopwatch.StartNew(); meter.All < published && waited.Elapsed < Patience && !_taking.Exists(t => t.IsFaulted);)
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, CancellationToken.None);
        await _end.CancelAsync();
        await Task.WhenAll(_taking);
        if (meter.All < published)
            throw new InvalidOperationException($"Of {published} events only {meter.All} were delivered.");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var client in _instances)
            await client.DisposeAsync();
        if (_publishers is not null)
            await _publishers.DisposeAsync();
        _end.Dispose();
        _room.Dispose();
    }

    private async Task TakeAsync(SequentClient client)
    {
        try
        {
            var options = new SubscriptionOptions("bench") { Types = [nameof(Measured)] };
            await foreach (var delivery in client.SubscribeAsync(options, _end.Token))
            {
                var since = ((Measured)delivery.Event.Data).At;
                await delivery.AckAsync();
                if (_meter is not { } meter)
                    continue; // of an earlier run
                meter.Record(since);
                if (plan.Rate is null)
                    _room.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }
    }
}
