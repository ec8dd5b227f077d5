using System.Diagnostics;
using HdrHistogram;

namespace Sequent.Cli.Bench;

/// <summary>Counts what was done and how long it took, from the end of the warm-up to the end.</summary>
internal sealed class Meter
{
    private const long LongestMicros = 600_000_000;

    private readonly LongConcurrentHistogram _micros = new(1, LongestMicros, 3);
    private long _events;
    private long _all;
    private long _begun;
    private long _ended;
    private volatile bool _measures;

    /// <summary>Events since the very beginning, for progress.</summary>
    public long All => Interlocked.Read(ref _all);

    public void Begin()
    {
        _begun = Stopwatch.GetTimestamp();
        _measures = true;
    }

    public void End()
    {
        _ended = Stopwatch.GetTimestamp();
        _measures = false;
    }

    /// <summary>An operation has ended.</summary>
    /// <param name="since">When it began or, at a fixed rate, when it should have: a timestamp of <see cref="Stopwatch"/>.</param>
    /// <param name="events">How many events it was.</param>
    public void Record(long since, int events = 1)
    {
        Interlocked.Add(ref _all, events);
        if (_measures)
            Interlocked.Add(ref _events, events);
        else if (_ended == 0 || since >= _ended)
            return; // what was under way at the end counts with its time: a bus that stalls must not hide it
        _micros.RecordValue(Math.Clamp(Stopwatch.GetElapsedTime(since).Ticks / TimeSpan.TicksPerMicrosecond, 1, LongestMicros));
    }

    /// <summary>Events whose single times say nothing, such as those of a rebuild.</summary>
    public void Count(int events)
    {
        Interlocked.Add(ref _all, events);
        if (_measures)
            Interlocked.Add(ref _events, events);
    }

    public Measurement Read(BenchPlan plan)
    {
        var time = Stopwatch.GetElapsedTime(_begun, _ended);
        var times = _micros.TotalCount == 0
            ? null
            : new Percentiles(At(50), At(90), At(99), At(99.9), _micros.GetMaxValue() / 1_000.0);
        return new Measurement(plan, _events, time, times) { Curve = times is null ? [] : Curve() };
    }

    private double At(double percentile) => _micros.GetValueAtPercentile(percentile) / 1_000.0;

    private List<(double Percentile, double Milliseconds)> Curve() =>
        [.. new[] { 0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99 }.Select(p => (p, At(p)))];
}

/// <summary>In milliseconds.</summary>
internal sealed record Percentiles(double P50, double P90, double P99, double P999, double Max);

/// <param name="Plan">What was measured.</param>
/// <param name="Events">How many, after the warm-up.</param>
/// <param name="Time">In which time.</param>
/// <param name="Milliseconds">From beginning to end of an operation; null: it has none.</param>
internal sealed record Measurement(BenchPlan Plan, long Events, TimeSpan Time, Percentiles? Milliseconds)
{
    public double EventsPerSecond => Events / Time.TotalSeconds;

    /// <summary>The times by percentile, for a plot.</summary>
    public IReadOnlyList<(double Percentile, double Milliseconds)> Curve { get; init; } = [];

    /// <summary>What else is to be said about it.</summary>
    public string? Remark { get; init; }
}
