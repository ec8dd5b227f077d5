using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace Demo;

/// <summary>
/// One program of the bank as a process of its own, which is started again on the same address when it ends: kill it and see what happens. What it prints
/// goes to a file.
/// </summary>
internal sealed partial class BankProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(2);

    private readonly string _name;
    private readonly string _dll;
    private readonly Func<string, string[]> _arguments;
    private readonly TextWriter _output;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _process;
    private volatile bool _keepsDown;

    private BankProcess(string name, string dll, Func<string, string[]> arguments, string outputFile)
    {
        (_name, _dll, _arguments) = (name, Path.Combine(AppContext.BaseDirectory, dll), arguments);
        _output = TextWriter.Synchronized(new StreamWriter(outputFile, append: true) { AutoFlush = true });
    }

    public string Name => _name;

    public int Id => _process?.Id ?? 0;

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="name">What people call it.</param>
    /// <param name="dll">The program, beside this one.</param>
    /// <param name="host">Where to listen: host and port, of which 0 is any free one.</param>
    /// <param name="arguments">Its arguments, given host and port.</param>
    /// <param name="outputFile">Takes what it prints.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<BankProcess> StartAsync(string name, string dll, string host, Func<string, string[]> arguments, string outputFile, CancellationToken cancellationToken)
    {
        var program = new BankProcess(name, dll, arguments, outputFile);
        try
        {
            program._running = program.RunAsync(host);
            await Task.WhenAny(program._listening.Task, program._running).WaitAsync(StartPatience, cancellationToken);
            if (program._running.IsCompleted)
                throw new DemoFailedException($"{name} has ended; what it said is in {outputFile}.");
            program.Address = await program._listening.Task;
            return program;
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>It is not started again when it ends: Ctrl-C reaches it too.</summary>
    public void KeepDown() => _keepsDown = true;

    /// <summary>SIGTERM, and SIGKILL if that does not help.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _output.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(string host)
    {
        while (!_stop.IsCancellationRequested)
        {
            using var process = _process = StartProcess(host);
            try
            {
                await process.WaitForExitAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                await StopAsync(process);
                return;
            }

            // If it never came up, trying again would not help.
            if (_keepsDown || !_listening.Task.IsCompleted)
                return;
            AnsiConsole.MarkupLineInterpolated($"[yellow]{_name}[/] has ended ({process.ExitCode}) and is started again in {RestartPause.TotalSeconds} s.");
            await Task.Delay(RestartPause, _stop.Token);
            if (_keepsDown)
                return;
            host = Address.Authority;
        }
    }

    private Process StartProcess(string host)
    {
        var process = new Process { StartInfo = new ProcessStartInfo("dotnet", [_dll, .. _arguments(host)]) { RedirectStandardOutput = true, RedirectStandardError = true } };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        _output.WriteLine(line);
        if (Listening().Match(line) is { Success: true } match)
            _listening.TrySetResult(new Uri(match.Groups[1].Value));
    }

    private static async Task StopAsync(Process process)
    {
        if (!OperatingSystem.IsWindows())
        {
            // A process that somebody has stopped hears nothing until it goes on.
            foreach (var signal in new[] { "-TERM", "-CONT" })
            {
                using var kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
                await kill.WaitForExitAsync(CancellationToken.None);
            }

            using var patience = new CancellationTokenSource(StopPatience);
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended.
        }

        await process.WaitForExitAsync(CancellationToken.None);
    }

    // "Now listening on: http://…" of ASP.NET Core, "Sequent listens on ws://…" of the bus.
    [GeneratedRegex(@"(?:Now listening on:|Sequent listens on) ([a-z]+://[^\s,]+)")]
    private static partial Regex Listening();
}
