using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;
using Sequent.Cli.Bench;
using Sequent.Cli.Bench.Loads;
using Sequent.Client.Publishing;

namespace Sequent.Benchmarks.Against;

/// <summary>The store's limit: the same events appended with nobody in between, so many in one commit, each made durable. With one event it is the time of one commit.</summary>
internal sealed class StoreLoad(BenchPlan plan) : ILoad
{
    private static readonly Producer Producer = new(1, "V4(127.0.0.1:1)");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sequent-bench-store-");
    private readonly KeyChooser _keys = new(plan.Keys, plan.Zipf);
    private readonly Dictionary<string, (uint Value, long Position)> _ends = [];
    private readonly byte[] _data = Encoding.UTF8.GetBytes($"\"{new string('x', plan.Size - 2)}\"");
    private SqliteFile? _file;
    private SqliteEventStore? _store;
    private long _position;

    public async Task PrepareAsync(Uri bus, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder.FullName, "store.db");
        _file = new SqliteFile(path, Durability.Full, NullLogger.Instance);
        _store = new SqliteEventStore(_file, new FreeSpace(path, 0, TimeProvider.System), NullLogger.Instance);
        await _store.OpenAsync(cancellationToken);
    }

    public Task RunAsync(Meter meter, CancellationToken stop) => Task.Run(
        async () =>
        {
            // What the bus does beside its commits is not done within them here either.
            var next = Task.Run(NextBatch);
            while (!stop.IsCancellationRequested)
            {
                var events = await next;
                next = Task.Run(NextBatch);
                var since = Stopwatch.GetTimestamp();
                if (await _store!.AppendAsync(events, CancellationToken.None) != AppendOutcome.Committed)
                    throw new InvalidOperationException("The store did not commit.");
                meter.Record(since, events.Count);
            }
        },
        CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (_file is not null)
            await _file.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private List<StoredEvent> NextBatch() => [.. Enumerable.Range(0, plan.Batch).Select(_ => Next())];

    private StoredEvent Next()
    {
        var key = _keys.Next();
        var (value, previous) = _ends.TryGetValue(key, out var end) ? (end.Value + 1, end.Position) : (0u, 0L);
        _ends[key] = (value, ++_position);
        return new StoredEvent
        {
            Position = _position,
            Key = key,
            Value = value,
            Previous = previous,
            EventType = "measured",
            CorrelationId = 1,
            Data = _data,
            Producer = Producer,
            TimeMicros = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000,
            EventId = EventIds.Next(DateTimeOffset.UtcNow),
        };
    }
}
