namespace Sequent.Bus.Tests.Simulation;

/// <summary>Time that stands until it is moved on, timer by timer. The wall clock can be set, which the timers must not notice.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private readonly List<Timer> _timers = [];
    private TimeSpan _elapsed;
    private TimeSpan _clockError;
    private long _order;

    public TimeSpan Elapsed => _elapsed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => _elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(55) + _elapsed + _clockError;

    public void SetClock(TimeSpan by) => _clockError += by;

    /// <summary>Moves on, firing what is due in its order.</summary>
    public void Advance(TimeSpan by)
    {
        var end = _elapsed + by;
        while (_timers.Where(t => t.Due <= end).MinBy(t => (t.Due, t.Order)) is { } next)
        {
            _elapsed = next.Due!.Value > _elapsed ? next.Due.Value : _elapsed;
            next.Due = null;
            next.Fire();
        }

        _elapsed = end;
    }

    /// <summary>The process died.</summary>
    public void Clear() => _timers.Clear();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state), ++_order);
        timer.Change(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    private sealed class Timer(SimulatedTime time, Action fire, long order) : ITimer
    {
        public TimeSpan? Due { get; set; }

        public long Order { get; } = order;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime < TimeSpan.Zero ? null : time._elapsed + dueTime;
            return true;
        }

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
