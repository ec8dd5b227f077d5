using System.Diagnostics.Metrics;
using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Operating;

/// <summary>
/// How one bus is doing, as gauges. Looking at a client type is a question to its loop, so all gauges share one look a second; whoever collects them
/// waits for it, up to a limit.
/// </summary>
internal sealed class BusGauges : IDisposable
{
    /// <summary>Whoever does not answer in time is shown as it was.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly SequentBus _bus;
    private readonly Meter _meter = BusMeter.New();
    private readonly Lock _lock = new();
    private IReadOnlyList<ClientTypeGauge> _last = [];
    private long? _lookedAt;

    public BusGauges(SequentBus bus)
    {
        _bus = bus;
        _meter.CreateObservableGauge("sequent.bus.position", () => bus.Log.Head, "{event}", "The last position of the log.");
        Add("sequent.bus.client_type.behind", "{event}", "Events that were not looked at yet for a client type.", g => g.Behind);
        Add("sequent.bus.client_type.keys_in_debt", "{key}", "Keys of which a client type has events that are not settled.", g => g.KeysInDebt);
        Add("sequent.bus.client_type.oldest_unacked", "s", "The age of the oldest event that a client type has not settled.", g => g.OldestUnacked.TotalSeconds);
        Add("sequent.bus.client_type.instances", "{instance}", "Instances of a client type that take events.", g => g.Instances);
    }

    public void Dispose() => _meter.Dispose();

    private void Add(string name, string unit, string description, Func<ClientTypeGauge, double> read) => _meter.CreateObservableGauge(
        name, () => Look().Select(g => new Measurement<double>(read(g), new KeyValuePair<string, object?>("messaging.consumer.group.name", g.Name))), unit, description);

    private IReadOnlyList<ClientTypeGauge> Look()
    {
        lock (_lock)
        {
            if (_lookedAt is { } at && _bus.Time.GetElapsedTime(at) < MaxAge)
                return _last;

            // Instruments are read by threads of whoever exports them, and know no other way to wait.
            _last = Task.Run(LookAsync).GetAwaiter().GetResult();
            _lookedAt = _bus.Time.GetTimestamp();
            return _last;
        }
    }

    private async Task<IReadOnlyList<ClientTypeGauge>> LookAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var gauges = await Task.WhenAll(_bus.Deliveries.List().Where(l => !l.IsDefect).Select(loop => LookAsync(loop, limit.Token)));
        return [.. gauges.OfType<ClientTypeGauge>()];
    }

    /// <summary>How a client type is doing; if its loop does not answer in time, as it was.</summary>
    private async Task<ClientTypeGauge?> LookAsync(ClientTypeLoop loop, CancellationToken cancellationToken)
    {
        try
        {
            var status = await loop.AskAsync(queue => queue.Describe(), cancellationToken);
            var behind = Math.Max(0, _bus.Log.Released - status.Cursor);

            // What was not looked at yet is not settled either.
            var oldest = status.OldestUnacked ?? (behind > 0 ? status.Cursor + 1 : null);
            return new ClientTypeGauge(status.Name, behind, status.KeysInDebt, await AgeAsync(oldest, cancellationToken), status.Instances.Count);
        }
        catch (Exception e) when (e is OperationCanceledException or StoreException)
        {
            return _last.FirstOrDefault(g => g.Name == loop.Name);
        }
    }

    private async Task<TimeSpan> AgeAsync(long? position, CancellationToken cancellationToken)
    {
        if (position is not { } oldest || (await _bus.Log.ReadAtAsync([oldest], int.MaxValue, cancellationToken)) is not [var e])
            return TimeSpan.Zero;
        return TimeSpan.FromMicroseconds(Math.Max(0, _bus.Time.NowMicros() - e.TimeMicros));
    }

    private sealed record ClientTypeGauge(string Name, long Behind, int KeysInDebt, TimeSpan OldestUnacked, int Instances);
}
