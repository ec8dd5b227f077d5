namespace EndToEnd.Fire;

/// <summary>A program that can be killed and started again, with the same address and the same data.</summary>
internal sealed class RestartableProcess(string name, string dll, Uri address, params string[] arguments) : IAsyncDisposable
{
    private ServiceProcess? _process;
    private string _former = "";

    public string Name => name;

    /// <summary>Where it listens, whenever it does.</summary>
    public Uri Address => address;

    /// <summary>Killed or frozen, and not yet mended: nobody else may touch it meanwhile.</summary>
    public bool IsDown { get; private set; }

    /// <summary>It runs, and has come so far that it listens.</summary>
    public bool IsUp => !IsDown && _process is { Listens: true, HasExited: false };

    /// <summary>It runs, but does not listen yet.</summary>
    public bool IsStarting => !IsDown && _process is { Listens: false, HasExited: false };

    /// <summary>It ended, and nobody killed it.</summary>
    public bool EndedByItself => !IsDown && _process is { HasExited: true };

    /// <summary>What the last two that ran under this name have printed.</summary>
    public string Output => $"---- {name}\n{_former}\n{_process?.Output}";

    public void Start()
    {
        _process = ServiceProcess.Start(dll, arguments);
        IsDown = false;
    }

    public async Task KillAsync()
    {
        IsDown = true;
        await _process!.KillAsync();
        _former = $"{_process.Output}\n---- killed";
        await _process.DisposeAsync();
    }

    public Task FreezeAsync()
    {
        IsDown = true;
        return _process!.FreezeAsync();
    }

    public async Task ContinueAsync()
    {
        await _process!.ContinueAsync();
        IsDown = false;
    }

    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? default;
}
