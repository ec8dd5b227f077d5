using System.Diagnostics;
using System.Globalization;

namespace Sequent.Benchmarks;

/// <summary><c>sequent server</c> in a process of its own, on a free port.</summary>
internal sealed class BusProcess : IAsyncDisposable
{
    private readonly Process _process;

    private BusProcess(Process process, Uri address, TimeSpan startTime) => (_process, Address, StartTime) = (process, address, startTime);

    public Uri Address { get; }

    /// <summary>From the start of the process until it was ready.</summary>
    public TimeSpan StartTime { get; }

    /// <summary>What it has in memory, in MB (10^6 bytes).</summary>
    public double ResidentMegabytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
        }
    }

    public static async Task<BusProcess> StartAsync(string dataFile, params string[] more)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "sequent.dll"), "server", "--bind", "127.0.0.1:0", "--data", dataFile, "--log-level", "warn", .. more])
            start.ArgumentList.Add(argument);
        var clock = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The bus did not start.");
        var address = new Uri(line.Split(' ')[3].TrimEnd(','));
        using var http = new HttpClient();
        while (!(await http.GetAsync(new UriBuilder(address) { Scheme = "http", Path = "/health/ready" }.Uri)).IsSuccessStatusCode)
            await Task.Delay(5);
        return new BusProcess(process, address, clock.Elapsed);
    }

    public async ValueTask DisposeAsync()
    {
        // SIGTERM, so that the next start is one after a clean stop.
        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
