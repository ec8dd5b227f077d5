// A process in the background, whose output is waited for; its end ends the process and its children.
using System.Collections.Concurrent;
using System.Diagnostics;

sealed class Terminal : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly BlockingCollection<string> _lines = [];
    private readonly Process _process;
    private readonly string _command;

    public Terminal(string program, string arguments, string folder, IReadOnlyDictionary<string, string> environment)
    {
        _command = $"{program} {arguments}";
        Console.WriteLine($"> {_command} &");
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start);
        _ = PrintAllAsync();
    }

    /// <summary>Waits for a line that contains the text, after the lines that were waited for before.</summary>
    public string Expect(string text) => ExpectAll([text]);

    /// <summary>Waits for a line for each of the texts, in whatever order; returns the last.</summary>
    public string ExpectAll(IEnumerable<string> texts)
    {
        var missing = texts.ToList();
        using var patience = new System.Threading.CancellationTokenSource(Patience);
        try
        {
            foreach (var line in _lines.GetConsumingEnumerable(patience.Token))
            {
                missing.RemoveAll(text => line.Contains(text, StringComparison.Ordinal));
                if (missing.Count == 0)
                    return line;
            }
        }
        catch (OperationCanceledException)
        {
            throw new CakeException($"'{_command}' did not print '{missing[0]}' within {Patience}.");
        }

        throw new CakeException($"'{_command}' ended without printing '{missing[0]}'.");
    }

    public void ExpectSuccess()
    {
        if (!_process.WaitForExit(Patience))
            throw new CakeException($"'{_command}' did not end within {Patience}.");
        if (_process.ExitCode != 0)
            throw new CakeException($"'{_command}' ended with exit code {_process.ExitCode}.");
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private async System.Threading.Tasks.Task PrintAllAsync()
    {
        var errors = PrintAsync(_process.StandardError);
        await PrintAsync(_process.StandardOutput);
        await errors;
        _lines.CompleteAdding();
    }

    private async System.Threading.Tasks.Task PrintAsync(System.IO.StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            Console.WriteLine(line);
            _lines.Add(line);
        }
    }
}
