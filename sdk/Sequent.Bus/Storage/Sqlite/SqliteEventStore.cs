using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>The log in one SQLite file.</summary>
internal sealed partial class SqliteEventStore(SqliteFile file, FreeSpace space, ILogger logger) : IEventStore
{
    private const int KeysPerRead = 10_000;

    private const int ChainSteps = 10_000;

    private static readonly IReadOnlyDictionary<Guid, StoredPlace> NothingFound = new Dictionary<Guid, StoredPlace>();

    private readonly ILogger _logger = logger;
    private EventAppender? _appender;
    private bool _wasShort;

    // Ids mostly grow with time (UUID version 7), so most of those that are asked for come after all that are stored. It may be too large: then they are looked up.
    // Only whoever appends replaces it, and before it appends; whoever asks may be anybody.
    private volatile LargestId _largestId = new(Guid.AllBitsSet);

    public string LogId => file.LogId;

    public async ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken)
    {
        file.Open();
        _largestId = new LargestId(await file.ReadAsync(rows => rows.LargestId(), cancellationToken) ?? Guid.Empty);
        return await file.ReadAsync(rows => rows.ReadEnd(), cancellationToken);
    }

    public async IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // In pages, because whoever reads them holds them all already.
        List<KeyValuePair<string, KeyEnd>> page;
        string? lastKey = null;
        do
        {
            var after = lastKey;
            foreach (var key in page = await file.ReadAsync(rows => rows.ReadKeys(after, KeysPerRead), cancellationToken))
                yield return key;
            lastKey = page is [.., var last] ? last.Key : null;
        }
        while (page.Count == KeysPerRead);

        var position = 0L;
        do
        {
            var after = position;
            foreach (var key in page = await file.ReadAsync(rows => rows.ReadTail(after, KeysPerRead), cancellationToken))
                yield return key;
            position = page is [.., var last] ? last.Value.Position : position;
        }
        while (page.Count == KeysPerRead);
    }

    public ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken) =>
        HasSpace() ? file.WriteAsync(db => Append(db, events), cancellationToken) : new(AppendOutcome.NotCommitted);

    public async ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken)
    {
        if (space.IsShort)
            return "The disk of the log is nearly full; no events are taken.";
        return await file.WriteAsync(
            db =>
            {
                db.Execute("UPDATE meta SET value = value WHERE name = 'log_id'");
                return (string?)null;
            },
            cancellationToken);
    }

    public async ValueTask<long> RecoverAsync(CancellationToken cancellationToken)
    {
        await file.WriteAsync(_ => Forget(), cancellationToken);
        return await file.WriteAsync(db => db.QueryInteger("SELECT max(position) FROM events"), cancellationToken);
    }

    public async ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken)
    {
        var largest = _largestId.Value;
        Guid[] perhapsStored = [.. eventIds.Where(id => id.CompareTo(largest) <= 0)];
        return perhapsStored.Length == 0 ? NothingFound : await file.ReadFirstAsync(rows => rows.Find(perhapsStored), cancellationToken);
    }

    public ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.Read(range), cancellationToken);

    public ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.ReadTypes(eventTypes, range), cancellationToken);

    public ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.ReadCorrelated(correlationId, range), cancellationToken);

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.ReadAt(positions, maxBytes), cancellationToken);

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.ReadHeaders(after, max), cancellationToken);

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.ReadHeadersAt(positions), cancellationToken);

    public async ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken)
    {
        // In steps of about 100 ms, so that a long chain does not keep a reader from everybody else.
        var chain = new Chain(walk);
        while (!chain.IsWhole)
            await file.ReadAsync(rows => rows.Walk(chain, ChainSteps), cancellationToken);
        return chain.Positions;
    }

    public ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken) =>
        file.ReadAsync(rows => rows.FindTime(timeMicros), cancellationToken);

    public ValueTask DisposeAsync() => file.DisposeAsync();

    private bool HasSpace()
    {
        var isShort = space.IsShort;
        if (isShort && !_wasShort)
            LogSpaceShort(space.MarginBytes);
        else if (!isShort && _wasShort)
            LogSpaceBack();
        _wasShort = isShort;
        return !isShort;
    }

    private AppendOutcome Append(SqliteConnection db, IReadOnlyList<StoredEvent> events)
    {
        try
        {
            NoteIds(events);
            _appender = _appender?.IsOn(db) == true ? _appender : new EventAppender(db);
            _appender.Write(events);
        }
        catch (StoreException e)
        {
            // Nothing was committed. A new connection is the one state that is surely clean.
            LogNotCommitted(e);
            Forget();
            return AppendOutcome.NotCommitted;
        }

        try
        {
            _appender.Commit();
            return AppendOutcome.Committed;
        }
        catch (StoreException e)
        {
            LogUnknown(e);
            return AppendOutcome.Unknown;
        }
    }

    private void NoteIds(IReadOnlyList<StoredEvent> events)
    {
        var former = _largestId.Value;
        var largest = former;
        foreach (var e in events)
        {
            if (e.EventId is { } id && id.CompareTo(largest) > 0)
                largest = id;
        }

        if (largest != former)
            _largestId = new LargestId(largest);
    }

    private bool Forget()
    {
        _appender = null;
        file.DropWriter();
        return true;
    }

    [LoggerMessage(1, LogLevel.Error, "Appending failed before its commit; nothing was stored")]
    private partial void LogNotCommitted(Exception exception);

    [LoggerMessage(3, LogLevel.Error, "The disk of the log has less than {Margin} bytes free; no events are taken until it has more")]
    private partial void LogSpaceShort(long margin);

    [LoggerMessage(4, LogLevel.Warning, "The disk of the log has room again; events are taken")]
    private partial void LogSpaceBack();

    [LoggerMessage(2, LogLevel.Error, "A commit failed; whether it happened has to be looked up")]
    private partial void LogUnknown(Exception exception);

    private sealed record LargestId(Guid Value);
}
