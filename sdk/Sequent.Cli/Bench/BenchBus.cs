using System.Diagnostics;
using System.Globalization;

namespace Sequent.Cli.Bench;

/// <summary>A bus for one measurement: <c>sequent server</c> in a process of its own, on a free port and a log that is deleted afterwards.</summary>
internal sealed class BenchBus : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private BenchBus(Process process, DirectoryInfo folder) => (_process, _folder) = (process, folder);

    public Uri Address { get; private set; } = new("ws://localhost");

    /// <summary>What it has in memory, in bytes; 0 where that cannot be told.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>What its log has on disk, in bytes.</summary>
    public long StoredBytes => _folder.EnumerateFiles().Sum(f => f.Length);

    public static async Task<BenchBus> StartAsync(string durability, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("sequent-bench-");
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "sequent.dll"), "server", "--bind", "127.0.0.1:0", "--data", Path.Combine(folder.FullName, "bench.db"),
            "--durability", durability, "--log-level", "warn",
        ];
        var bus = new BenchBus(Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!, folder);
        try
        {
            var line = await bus._process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            // "Sequent listens on ws://127.0.0.1:1234, its log is ..."
            bus.Address = new Uri(line?.Split(' ')[3].TrimEnd(',') ?? throw new InvalidOperationException("The bus did not start."));
            return bus;
        }
        catch
        {
            await bus.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited && !OperatingSystem.IsWindows())
        {
            using var terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await terminate.WaitForExitAsync();
            using var patience = new CancellationTokenSource(Patience);
            await _process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
