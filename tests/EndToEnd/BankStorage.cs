using Npgsql;

namespace EndToEnd;

/// <summary>What the services keep their state in.</summary>
public enum StorageKind
{
    /// <summary>A file: Users' instances share one, all others have one each, and nothing in common but the bus.</summary>
    Sqlite,

    /// <summary>One server, where all instances of a service share a database.</summary>
    Postgres,
}

/// <summary>Where each instance of a service keeps its state. Databases are gone afterwards; files go with their folder.</summary>
internal sealed class BankStorage : IAsyncDisposable
{
    private readonly Func<string, int, string> _stateOf;
    private readonly string? _server;
    private readonly HashSet<string> _databases = [];

    private BankStorage(Func<string, int, string> stateOf) => _stateOf = stateOf;

    private BankStorage(string server)
    {
        var run = Guid.NewGuid().ToString("N");
        _server = server;
        _stateOf = (service, _) =>
        {
            var database = $"{service}_{run}";
            _databases.Add(database);
            return $"{server};Database={database}";
        };
    }

    /// <summary>A connection to PostgreSQL, not to a file.</summary>
    public bool IsServer => _server is not null;

    public static BankStorage In(string folder) =>
        new((service, instance) => $"Data Source={Path.Combine(folder, service == "users" ? "users.db" : $"{service}-{instance}.db")}");

    /// <param name="server">A connection string without a database.</param>
    public static BankStorage On(string server) => new(server);

    /// <summary>The connection string of an instance.</summary>
    public string StateOf(string service, int instance) => _stateOf(service, instance);

    public async ValueTask DisposeAsync()
    {
        if (_databases.Count == 0)
            return;
        await using var server = NpgsqlDataSource.Create($"{_server};Database=postgres");
        foreach (var database in _databases)
        {
            await using var drop = server.CreateCommand($"DROP DATABASE IF EXISTS {database} WITH (FORCE)");
            await drop.ExecuteNonQueryAsync();
        }
    }
}
