using Microsoft.Extensions.Time.Testing;

namespace Sequent.Bus.Tests.Wire;

/// <summary>Waits for what has to happen in the end, and no longer than a test may take.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    // Between two looks, so that what is waited for gets the processor.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(5);

    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition())
        {
            Assert.That(limit.IsCancellationRequested, Is.False, $"did not happen: {what}");
            await Task.Delay(Breath);
        }
    }

    /// <summary>Moves the clock on, step by step, until something is done.</summary>
    public static async Task<T> AdvanceUntilAsync<T>(this FakeTimeProvider time, Task<T> done, TimeSpan step)
    {
        await time.AdvanceUntilAsync((Task)done, step);
        return await done;
    }

    /// <summary>Moves the clock on, step by step, until something is done.</summary>
    public static async Task AdvanceUntilAsync(this FakeTimeProvider time, Task done, TimeSpan step)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!done.IsCompleted && !limit.IsCancellationRequested)
        {
            time.Advance(step);
            await Task.WhenAny(done, Task.Delay(Breath));
        }

        Assert.That(done.IsCompleted, Is.True, "the clock was moved on, and nothing came");
        await done;
    }
}
