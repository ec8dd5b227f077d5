using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Sequent.Cli.Tests;

/// <summary>The real tool in a process of its own.</summary>
internal sealed partial class SequentProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource<Uri?> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SequentProcess(string[] arguments, string? folder = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "sequent.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => ReadError(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it wrote to standard output.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>What it wrote to standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    public static SequentProcess Start(params string[] arguments) => new(arguments);

    /// <summary>Starts it in a folder, with variables of the environment.</summary>
    public static SequentProcess StartIn(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments) => new(arguments, folder, environment);

    /// <summary>Starts a server on a free port and waits until it listens.</summary>
    public static async Task<(SequentProcess Process, Uri Address)> StartServerAsync(string dataFile)
    {
        var process = Start("server", "--bind", "127.0.0.1:0", "--data", dataFile, "--log-level", "warn");
        var address = await process._listening.Task.WaitAsync(Limit);
        return (process, address ?? throw new InvalidOperationException($"The server ended: {process.Errors}"));
    }

    /// <summary>Waits until it listens; null if it ended instead.</summary>
    public Task<Uri?> ListeningAsync() => _listening.Task.WaitAsync(Limit);

    /// <summary>Waits until it ends and returns its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: no chance to clean up.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await ExitAsync();
    }

    /// <summary>SIGTERM: please stop.</summary>
    public void Terminate() => Assert.That(Kill(_process.Id, SigTerm), Is.Zero);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private void Read(string? line)
    {
        const string Mark = "Sequent listens on ";
        lock (_output)
            _output.AppendLine(line);
        if (line is null)
            _listening.TrySetResult(null);
        else if (line.StartsWith(Mark, StringComparison.Ordinal))
            _listening.TrySetResult(new Uri(line[Mark.Length..].Split(',')[0]));
    }

    private void ReadError(string? line)
    {
        lock (_errors)
            _errors.AppendLine(line);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
