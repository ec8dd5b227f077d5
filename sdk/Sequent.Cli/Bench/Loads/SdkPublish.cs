using Sequent.Client;

namespace Sequent.Cli.Bench.Loads;

/// <summary>Publishes through the SDK: one event a call (<c>publish</c>), several (<c>batch</c>), or a unit that reads its key and appends one event (<c>unit</c>).</summary>
internal sealed class SdkPublish(BenchPlan plan) : ILoad
{
    /// <summary>The limit of the option.</summary>
    private const int MaxInFlight = 65_536;

    private readonly KeyChooser _keys = new(plan.Keys, plan.Zipf, plan.KeyPrefix);
    private readonly string _pad = Measured.PadFor(plan.Size);
    private SdkClients _clients = null!;

    // What may be in flight counts events; a call of many has them all in flight.
    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        var events = (long)plan.Window * (plan.Load == "batch" ? plan.Batch : 1);
        _clients = await SdkClients.ConnectAsync(bus, plan.Connections, (int)Math.Min(MaxInFlight, events), cancellationToken);
    }

    public Task RunAsync(Meter meter, CancellationToken stop) => Pacing.RunAsync(plan, plan.Load switch
    {
        "batch" => since => PublishBatchAsync(since, meter),
        "unit" => since => DecideAsync(since, meter),
        _ => since => PublishAsync(since, meter),
    }, stop);

    public ValueTask DisposeAsync() => _clients?.DisposeAsync() ?? default;

    private async Task PublishAsync(long since, Meter meter)
    {
        await _clients.Next().PublishAsync(new Measured(since, _pad), _keys.Next());
        meter.Record(since);
    }

    private async Task PublishBatchAsync(long since, Meter meter)
    {
        var events = new EventToPublish[plan.Batch];
        for (var i = 0; i < events.Length; i++)
            events[i] = new EventToPublish(new Measured(since, _pad), _keys.Next());
        await _clients.Next().PublishAllAsync(events);
        meter.Record(since, events.Length);
    }

    private async Task DecideAsync(long since, Meter meter)
    {
        var key = _keys.Next();
        await _clients.Next().UpdateAsync(async (unit, ct) =>
        {
            await unit.ReadAsync<Counted>(key, ct);
            unit.Append(key, new Measured(since, _pad));
        });
        meter.Record(since);
    }
}
