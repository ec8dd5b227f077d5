using System.Diagnostics;
using Sequent.Client;

namespace Sequent.Cli.Bench.Loads;

/// <summary>Reads the log from its beginning into typed events, again and again (<c>rebuild</c>).</summary>
internal sealed class Rebuild(BenchPlan plan) : ILoad
{
    private const int Batch = 500;
    private const int AtOnce = 8;

    private SdkClients _clients = null!;

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        _clients = await SdkClients.ConnectAsync(bus, 1, plan.Window, cancellationToken);
        var stored = (await _clients.Next().ConnectAsync(cancellationToken)).Position;
        var missing = plan.Events - (int)Math.Min(stored, plan.Events);
        var keys = new KeyChooser(plan.Keys, plan.Zipf);
        var pad = Measured.PadFor(plan.Size);
        await Parallel.ForEachAsync(Enumerable.Range(0, (missing + Batch - 1) / Batch), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (_, ct) =>
        {
            var events = new EventToPublish[Batch];
            for (var i = 0; i < Batch; i++)
                events[i] = new EventToPublish(new Measured(0, pad), keys.Next());
            await _clients.Next().PublishAllAsync(events, ct);
        });
    }

    public async Task RunAsync(Meter meter, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var read = 0;
            await foreach (var e in _clients.Next().QueryAsync(new EventQuery(), CancellationToken.None))
            {
                if (e.Data is not Measured)
                    throw new InvalidOperationException($"{e} is not of this measurement: rebuild reads a whole log of its own.");
                meter.Count(1);
                if (++read == plan.Events || stop.IsCancellationRequested)
                    break;
            }
        }
    }

    public ValueTask DisposeAsync() => _clients?.DisposeAsync() ?? default;
}

/// <summary>Publishes through the SDK while another client follows the log; an operation lasts from the publish until the follower has the event.</summary>
internal sealed class Follow(BenchPlan plan) : ILoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KeyChooser _keys = new(plan.Keys, plan.Zipf);
    private readonly string _pad = Measured.PadFor(plan.Size);
    private SdkClients _publishers = null!;
    private SequentClient _follower = null!;
    private long _from;

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        _publishers = await SdkClients.ConnectAsync(bus, plan.Connections, plan.Window, cancellationToken);
        _follower = SdkClients.Create(bus, plan.Window);
        _from = (await _follower.ConnectAsync(cancellationToken)).Position;
    }

    public async Task RunAsync(Meter meter, CancellationToken stop)
    {
        using var end = new CancellationTokenSource();
        var following = Task.Run(() => FollowAsync(meter, end.Token), CancellationToken.None);
        var published = 0L;
        await Pacing.RunAsync(plan, async since =>
        {
            await _publishers.Next().PublishAsync(new Measured(since, _pad), _keys.Next());
            Interlocked.Increment(ref published);
        }, stop);
        for (var waited = Stopwatch.StartNew(); meter.All < published && waited.Elapsed < Patience && !following.IsFaulted;)
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, CancellationToken.None);
        await end.CancelAsync();
        await following;
        if (meter.All < published)
            throw new InvalidOperationException($"Of {published} events only {meter.All} were followed.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_publishers is not null)
            await _publishers.DisposeAsync();
        if (_follower is not null)
            await _follower.DisposeAsync();
    }

    private async Task FollowAsync(Meter meter, CancellationToken end)
    {
        try
        {
            await foreach (var item in _follower.FollowAsync(new EventQuery { After = _from, Types = [nameof(Measured)] }, end))
            {
                foreach (var e in item is EventPage page ? page.Events : [])
                    meter.Record(((Measured)e.Data).At);
            }
        }
        catch (OperationCanceledException)
        {
            // Everything was seen.
        }
    }
}
