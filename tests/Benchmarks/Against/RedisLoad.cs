using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Sequent.Cli.Bench;
using Sequent.Cli.Bench.Loads;
using StackExchange.Redis;

namespace Sequent.Benchmarks.Against;

/// <summary>
/// What one might pick instead: Redis Streams, with a script that appends an event only if its value follows the last one of its key, and an fsync for every
/// write (<c>appendfsync always</c>). One multiplexer; each key has one event under way.
/// </summary>
internal sealed class RedisLoad(BenchPlan plan) : ILoad
{
    private const string Program = "/usr/bin/redis-server";

    private const string CompareAndAppend = """
        local last = redis.call('GET', KEYS[1])
        if tonumber(ARGV[1]) ~= (last and tonumber(last) + 1 or 0) then return redis.error_reply('CONFLICT') end
        redis.call('SET', KEYS[1], ARGV[1])
        return redis.call('XADD', KEYS[2], '*', 'k', KEYS[1], 'v', ARGV[1], 'd', ARGV[2])
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sequent-bench-redis-");
    private readonly RedisValue _data = new string('x', plan.Size);
    private readonly KeyChooser _keys = new(plan.Keys, plan.Zipf);
    private int _lanes;
    private Process? _server;
    private ConnectionMultiplexer? _redis;
    private byte[] _script = [];

    /// <summary>Debian's package redis-server; without it the comparison is left out.</summary>
    public static bool IsThere => File.Exists(Program);

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        var port = FreePort();
        string[] arguments = ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", _folder.FullName, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--loglevel", "warning"];
        _server = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true })!;
        _redis = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions { EndPoints = { { "127.0.0.1", port } }, ConnectRetry = 50, AbortOnConnectFail = true, ConnectTimeout = 10_000, SyncTimeout = 60_000, AsyncTimeout = 60_000 });
        _script = await _redis.GetServer("127.0.0.1", port).ScriptLoadAsync(CompareAndAppend);
    }

    public async Task RunAsync(Meter meter, CancellationToken stop)
    {
        var database = _redis!.GetDatabase();
        await Task.WhenAll(Enumerable.Range(0, plan.Window).Select(_ => Task.Run(LaneAsync, CancellationToken.None)));

        async Task LaneAsync()
        {
            RedisKey[] keys = [_keys[Interlocked.Increment(ref _lanes) - 1], "log"];
            for (var value = 0; !stop.IsCancellationRequested; value++)
            {
                var since = Stopwatch.GetTimestamp();
                await database.ScriptEvaluateAsync(_script, keys, [value, _data]);
                meter.Record(since);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
        _server?.Kill();
        if (_server is not null)
            await _server.WaitForExitAsync();
        _server?.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
