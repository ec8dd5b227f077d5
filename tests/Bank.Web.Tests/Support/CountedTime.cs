using Microsoft.Extensions.Time.Testing;

namespace Bank.Web.Tests.Support;

/// <summary>Time that passes when the test says so, and tells how often somebody began to wait for it.</summary>
internal sealed class CountedTime : FakeTimeProvider
{
    private int _waits;

    public int Waits => Volatile.Read(ref _waits);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        Interlocked.Increment(ref _waits);
        return timer;
    }
}
