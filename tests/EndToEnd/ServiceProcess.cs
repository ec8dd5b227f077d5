using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>
/// One program of ours as a process of its own (<c>dotnet X.dll</c>), with everything it prints. Programs listen on ports the
/// system picks and print the address; that line also says that they are ready. Disposing kills the process and its children.
/// </summary>
internal sealed partial class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = [];
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(string dll, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, dll), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException($"{dll} ended with {_process.ExitCode}:\n{Output}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens, as it said itself.</summary>
    public Uri Address => _address.Task.Result;

    public string Output => string.Join('\n', _output);

    /// <summary>Starts a program that goes on running and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(string dll, params string[] arguments)
    {
        var service = new ServiceProcess(dll, arguments);
        try
        {
            await service._address.Task.WaitAsync(Patience);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string dll, params string[] arguments)
    {
        await using var service = new ServiceProcess(dll, arguments);
        _ = service._address.Task.ContinueWith(t => t.Exception, TaskScheduler.Default); // it need not listen
        using var patience = new CancellationTokenSource(Patience);
        await service._process.WaitForExitAsync(patience.Token);
        return (service._process.ExitCode, service.Output);
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (Listening().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    // "Now listening on: http://…" of ASP.NET Core, "Sequent listens on ws://…" of the bus.
    [GeneratedRegex(@"(?:Now listening on:|Sequent listens on) ([a-z]+://[^\s,]+)")]
    private static partial Regex Listening();
}
