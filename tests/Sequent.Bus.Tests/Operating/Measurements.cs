using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Operating;

/// <summary>Adds up what the bus counts, as whoever collects its metrics does: by the name of the instrument, and again by that and the value of its attribute.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _times = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, double> _observed = new(StringComparer.Ordinal);

    public Measurements()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == SequentDiagnostics.Name)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            _sums.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value);
            foreach (var (_, tag) in tags)
                _sums.AddOrUpdate($"{instrument.Name} {tag}", value, (_, sum) => sum + value);
            Take(instrument, value, tags);
        });
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    public long this[string instrument] => _sums.GetValueOrDefault(instrument);

    public long Times(string instrument) => _times.GetValueOrDefault(instrument);

    /// <summary>What an instrument shows at this moment; null: nothing.</summary>
    public double? Observe(string instrument)
    {
        _observed.Clear();
        _listener.RecordObservableInstruments();
        return _observed.TryGetValue(instrument, out var value) ? value : null;
    }

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        _times.AddOrUpdate(instrument.Name, 1, (_, times) => times + 1);
        _observed[tags is [var (_, tag)] ? $"{instrument.Name} {tag}" : instrument.Name] = value;
    }
}
