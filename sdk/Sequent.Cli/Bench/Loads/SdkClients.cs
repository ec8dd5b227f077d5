using Sequent.Client;

namespace Sequent.Cli.Bench.Loads;

/// <summary>Clients of the SDK that share the work.</summary>
internal sealed class SdkClients : IAsyncDisposable
{
    private readonly List<SequentClient> _clients = [];
    private int _next;

    public static async Task<SdkClients> ConnectAsync(Uri bus, int count, int window, CancellationToken cancellationToken)
    {
        var clients = new SdkClients();
        for (var i = 0; i < count; i++)
        {
            var client = Create(bus, window);
            clients._clients.Add(client);
            await client.ConnectAsync(cancellationToken);
        }

        return clients;
    }

    /// <param name="bus">Where it is.</param>
    /// <param name="window">Publishes under way at a time.</param>
    public static SequentClient Create(Uri bus, int window)
    {
        var options = new SequentOptions { Server = bus, Json = BenchJson.Default.Options, MaxInFlight = window };
        options.Events.Add<Measured>();
        return new SequentClient(options);
    }

    /// <summary>One after the other.</summary>
    public SequentClient Next() => _clients.Count == 1 ? _clients[0] : _clients[(int)((uint)Interlocked.Increment(ref _next) % _clients.Count)];

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
    }
}
