using System.Diagnostics;
using Bank.Contracts;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>The bus and several instances of each service, each a process of its own.</summary>
internal sealed class BankProcesses : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly BankStorage _storage;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <param name="folder">Where the bus has its log.</param>
    /// <param name="storage">Where the services have their state.</param>
    /// <param name="users">How many instances of Users; those of the others ask them in turn.</param>
    /// <param name="others">How many instances of Accounts, and of Transactions.</param>
    public BankProcesses(string folder, BankStorage storage, int users, int others)
    {
        _storage = storage;
        var ports = new Queue<int>(FreePorts.Take(1 + users + (2 * others)));
        var busPort = ports.Dequeue();
        Bus = new("bus", "sequent.dll", new Uri($"http://127.0.0.1:{busPort}"), "server", "--bind", $"127.0.0.1:{busPort}", "--data", Path.Combine(folder, "bus.db"));
        Users = [.. Enumerable.Range(1, users).Select(i => Service("Users", i, ports.Dequeue(), null))];
        Accounts = [.. Enumerable.Range(1, others).Select(i => Service("Accounts", i, ports.Dequeue(), UsersFor(i)))];
        Transactions = [.. Enumerable.Range(1, others).Select(i => Service("Transactions", i, ports.Dequeue(), UsersFor(i)))];
        All = [Bus, .. Users, .. Accounts, .. Transactions];
    }

    public RestartableProcess Bus { get; }

    public IReadOnlyList<RestartableProcess> Users { get; }

    public IReadOnlyList<RestartableProcess> Accounts { get; }

    public IReadOnlyList<RestartableProcess> Transactions { get; }

    public IReadOnlyList<RestartableProcess> All { get; }

    /// <summary>Starts everything and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        foreach (var process in All)
            process.Start();
        await ReadyAsync();
    }

    /// <summary>Waits until everything says that it is ready.</summary>
    public Task ReadyAsync() => Task.WhenAll(All.Select(async process =>
    {
        for (var watch = Stopwatch.StartNew(); !await IsReadyAsync(process); await Task.Delay(Pause))
        {
            if (process.EndedByItself || watch.Elapsed > Patience)
                throw new InvalidOperationException($"{process.Name} was not ready after {watch.Elapsed}.\n{process.Output}");
        }
    }));

    /// <summary>A client that reads the log beside the services.</summary>
    public SequentClient CreateBusClient()
    {
        var options = new SequentOptions { Server = new UriBuilder(Bus.Address) { Scheme = "ws" }.Uri };
        BankJson.Use(options);
        return new SequentClient(options);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in All)
            await process.DisposeAsync();
        _http.Dispose();
    }

    private RestartableProcess Service(string name, int number, int port, Uri? users) => new(
        $"{name} {number}",
        $"Bank.{name}.dll",
        new Uri($"http://127.0.0.1:{port}"),
        [
            $"--Urls=http://127.0.0.1:{port}",
            $"--Sequent:Server=ws://127.0.0.1:{Bus.Address.Port}",
            $"--ConnectionStrings:State={_storage.StateOf(name.ToLowerInvariant(), number)}",
            .. users is null ? Array.Empty<string>() : [$"--Users:Url={users}"],
        ]);

    private Uri UsersFor(int number) => Users[(number - 1) % Users.Count].Address;

    private async Task<bool> IsReadyAsync(RestartableProcess process)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(process.Address, "/health/ready"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
