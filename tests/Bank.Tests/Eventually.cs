using System.Diagnostics;

namespace Bank.Tests;

/// <summary>Waits for a condition, for a bounded time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<T> ReadAsync<T>(Func<Task<T>> read, Func<T, bool> done)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var value = await read();
            if (done(value))
                return value;
            if (watch.Elapsed > Patience)
                Assert.Fail($"Still {value} after {Patience.TotalSeconds} s.");
            await Task.Delay(10);
        }
    }
}
