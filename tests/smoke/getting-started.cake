// Does what docs/getting-started.md says, in an empty folder, and checks that what it shows is what comes:
// - a block of sh is commands, one a line, in the terminal of its title. What still runs there is ended first, as by Ctrl-C;
// - a block of text is what the last of these commands prints, among other lines; only such a command is left running;
// - every other block is the file of its title.
sealed class GettingStarted(Stranger stranger)
{
    private readonly string _folder = System.IO.Directory.CreateDirectory($"{stranger.Folder}/getting-started").FullName;
    private readonly Dictionary<string, string> _folders = [];
    private readonly Dictionary<string, Terminal> _running = [];
    private readonly Dictionary<string, string> _environment = new(stranger.Environment);

    public void Follow(string document)
    {
        var blocks = CodeBlock.Of(document);
        // Where the document names the usual port, this run takes a free one, so that nothing that runs on the machine is met.
        var port = FreePort();
        _environment["SEQUENT_BIND"] = $"localhost:{port}";
        _environment["Sequent__Server"] = $"ws://localhost:{port}";
        _environment.Remove("RestoreAdditionalProjectSources");
        string Here(string text) => text.Replace("localhost:8081", $"localhost:{port}").Replace("/path/to/sequent/artifacts/packages", stranger.Feed).Replace("/path/to/hello", _folder);

        try
        {
            foreach (var (block, next) in blocks.Zip([.. blocks.Skip(1), null]))
            {
                if (block.Language == "sh")
                    Type(block.Title, [.. block.Lines.Select(Here)], next is { Language: "text" } ? [.. next.Lines.Select(Here)] : []);
                else if (block.Language != "text")
                    System.IO.File.WriteAllText($"{_folder}/{block.Title}", block.Text);
            }
        }
        finally
        {
            foreach (var terminal in _running.Values.Reverse())
                terminal.Dispose();
        }
    }

    private void Type(string terminal, string[] commands, string[] output)
    {
        if (_running.Remove(terminal, out var running))
            running.Dispose();
        foreach (var command in commands)
        {
            var folder = _folders.GetValueOrDefault(terminal, _folder);
            if (command.StartsWith("cd ", StringComparison.Ordinal))
                _folders[terminal] = $"{folder}/{command[3..]}";
            else if (command == commands[^1] && output.Length > 0)
                _running[terminal] = Start(command, folder);
            else
                RunToItsEnd(command, folder);
        }

        if (output.Length > 0)
            _running[terminal].ExpectAll(output);
    }

    private Terminal Start(string command, string folder)
    {
        var words = command.Split(' ', 2);
        var tool = $"{stranger.Home}/.dotnet/tools/{words[0]}";
        return new Terminal(System.IO.File.Exists(tool) ? tool : words[0], words.ElementAtOrDefault(1) ?? "", folder, _environment);
    }

    private void RunToItsEnd(string command, string folder)
    {
        using var process = Start(command, folder);
        process.ExpectSuccess();
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
