using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>
/// One program of ours as a process of its own (<c>dotnet X.dll</c>), with the last of what it prints. Programs print the address they listen
/// on; that line also says that they are ready. Disposing kills the process and its children.
/// </summary>
internal sealed partial class ServiceProcess : IAsyncDisposable
{
    private const int MaxLines = 2_000;
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
        _ = _address.Task.ContinueWith(t => t.Exception, TaskScheduler.Default); // nobody need wait for it
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens, as it said itself.</summary>
    public Uri Address => _address.Task.Result;

    public string Output => string.Join('\n', _output);

    /// <summary>It has said that it does.</summary>
    public bool Listens => _address.Task.IsCompletedSuccessfully;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program that goes on running, and does not wait for it.</summary>
    public static ServiceProcess Start(string dll, params string[] arguments) => new(dll, arguments);

    /// <summary>Starts a program that goes on running and waits until it listens.</summary>
    public static async Task<ServiceProcess> StartAsync(string dll, params string[] arguments)
    {
        var service = Start(dll, arguments);
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
        using var patience = new CancellationTokenSource(Patience);
        await service._process.WaitForExitAsync(patience.Token);
        return (service._process.ExitCode, service.Output);
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
    }

    /// <summary>SIGTERM: it is asked to end, and has ended.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>SIGSTOP: it stands as it is, with its connections open, its locks held and its clock running on.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>SIGCONT: it goes on and does not know that it stood.</summary>
    public Task ContinueAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        using var patience = new CancellationTokenSource(Patience);
        await kill.WaitForExitAsync(patience.Token);
        if (kill.ExitCode != 0 && !_process.HasExited)
            throw new InvalidOperationException($"kill -{signal} {_process.Id} ended with {kill.ExitCode}.");
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (_output.Count > MaxLines)
            _output.TryDequeue(out _);
        if (Listening().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    // "Now listening on: http://…" of ASP.NET Core, "Sequent listens on ws://…" of the bus.
    [GeneratedRegex(@"(?:Now listening on:|Sequent listens on) ([a-z]+://[^\s,]+)")]
    private static partial Regex Listening();
}
