using Microsoft.Extensions.Time.Testing;

namespace Sequent.Testing.Running;

/// <summary>While it exists, a fake clock moves along with the real one.</summary>
internal sealed class MovingTime : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly PeriodicTimer _timer = new(Step, TimeProvider.System);
    private readonly Task _moving;

    public MovingTime(FakeTimeProvider time) => _moving = Task.Run(() => MoveAsync(time));

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _moving.ConfigureAwait(false);
    }

    private async Task MoveAsync(FakeTimeProvider time)
    {
        var last = TimeProvider.System.GetTimestamp();
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            var now = TimeProvider.System.GetTimestamp();
            time.Advance(TimeProvider.System.GetElapsedTime(last, now));
            last = now;
        }
    }
}
