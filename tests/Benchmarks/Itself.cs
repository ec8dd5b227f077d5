using System.Diagnostics;

namespace Sequent.Benchmarks;

/// <summary>This program once more, in a process of its own.</summary>
internal static class Itself
{
    /// <summary>Starts it and waits for its first line.</summary>
    public static async Task<(Process Process, string FirstLine)> StartAsync(params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Benchmarks.dll"), .. arguments]) { RedirectStandardOutput = true })!;
        var line = await process.StandardOutput.ReadLineAsync();
        return (process, line ?? throw new InvalidOperationException($"Benchmarks {string.Join(' ', arguments)} ended."));
    }
}
