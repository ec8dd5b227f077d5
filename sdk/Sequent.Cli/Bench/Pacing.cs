using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Sequent.Cli.Bench;

/// <summary>Begins operations: each when one has ended (closed loop), or at a fixed rate whatever becomes of them (open loop).</summary>
internal static class Pacing
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <param name="plan">Window and rate.</param>
    /// <param name="operation">Given when it begins, or should have begun; it records itself.</param>
    /// <param name="stop">Nothing is begun after it; what is under way is waited for.</param>
    public static Task RunAsync(BenchPlan plan, Func<long, Task> operation, CancellationToken stop) =>
        plan.Rate is { } rate ? OpenAsync(rate, plan.Window, operation, stop) : ClosedAsync(plan.Window, operation, stop);

    private static Task ClosedAsync(int window, Func<long, Task> operation, CancellationToken stop)
    {
        return Task.WhenAll(Enumerable.Range(0, window).Select(_ => Task.Run(LoopAsync, CancellationToken.None)));

        async Task LoopAsync()
        {
            while (!stop.IsCancellationRequested)
                await operation(Stopwatch.GetTimestamp());
        }
    }

    /// <summary>The time of an operation counts from when it was due, so that one that waits for room is not made to look fast.</summary>
    private static async Task OpenAsync(double rate, int window, Func<long, Task> operation, CancellationToken stop)
    {
        using var room = new SemaphoreSlim(window);
        Exception? failure = null;

        // A thread of its own, because the pool's timers come up to two milliseconds late, which would count.
        await Task.Factory.StartNew(Begin, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var i = 0; i < window; i++)
            await room.WaitAsync(CancellationToken.None);
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);

        void Begin()
        {
            var begun = Stopwatch.GetTimestamp();
            for (long started = 0; !stop.WaitHandle.WaitOne(Tick) && failure is null;)
            {
                var due = (long)(Stopwatch.GetElapsedTime(begun).TotalSeconds * rate);
                for (; started < due && !stop.IsCancellationRequested && failure is null; started++)
                {
                    room.Wait(CancellationToken.None);
                    _ = OneAsync(begun + (long)(started / rate * Stopwatch.Frequency));
                }
            }
        }

        async Task OneAsync(long dueAt)
        {
            try
            {
                await operation(dueAt);
            }
            catch (Exception e)
            {
                failure ??= e;
            }
            finally
            {
                room.Release();
            }
        }
    }
}
