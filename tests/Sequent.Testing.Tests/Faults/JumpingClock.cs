using Microsoft.Extensions.Time.Testing;

namespace Sequent.Testing.Tests.Faults;

/// <summary>
/// The clock of a service, which moves along with real time. Its time of day may be set, as an operator does, back too; its timestamps and timers never
/// go back, as those of no real clock do, but stand still and leap ahead when the machine sleeps and wakes.
/// </summary>
internal sealed class JumpingClock : TimeProvider, IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider _monotonic = new(System.GetUtcNow());
    private readonly Lock _lock = new();
    private readonly ITimer _moving;
    private long _last = System.GetTimestamp();
    private long _setByTicks;
    private volatile bool _stands;

    public JumpingClock() => _moving = System.CreateTimer(_ => Move(), null, Step, Step);

    public override long TimestampFrequency => _monotonic.TimestampFrequency;

    /// <summary>It stands still until <see cref="Wake"/>.</summary>
    public void Sleep() => _stands = true;

    /// <summary>It moves along again, from so much later on.</summary>
    public void Wake(TimeSpan later)
    {
        _stands = false;
        LeapAhead(later);
    }

    /// <summary>So much time has passed for everything.</summary>
    public void LeapAhead(TimeSpan time) => _monotonic.Advance(time);

    /// <summary>Sets the time of day, and nothing else.</summary>
    public void Set(TimeSpan ahead) => Interlocked.Add(ref _setByTicks, ahead.Ticks);

    public override DateTimeOffset GetUtcNow() => _monotonic.GetUtcNow().AddTicks(Interlocked.Read(ref _setByTicks));

    public override long GetTimestamp() => _monotonic.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => _monotonic.CreateTimer(callback, state, dueTime, period);

    public void Dispose() => _moving.Dispose();

    private void Move()
    {
        lock (_lock)
        {
            var now = System.GetTimestamp();
            if (!_stands)
                _monotonic.Advance(System.GetElapsedTime(_last, now));
            _last = now;
        }
    }
}
