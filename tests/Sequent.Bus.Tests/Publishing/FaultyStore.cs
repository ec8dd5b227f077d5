using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;

namespace Sequent.Bus.Tests.Publishing;

/// <summary>An in-memory log whose appends and recoveries fail as told.</summary>
internal sealed class FaultyStore(InMemoryStore? inner = null) : IEventStore
{
    private readonly InMemoryStore _inner = inner ?? new();

    public string LogId => _inner.LogId;

    /// <summary>What the next append answers; null: it works.</summary>
    public AppendOutcome? NextOutcome { get; set; }

    /// <summary>Whether every append fails before its commit.</summary>
    public bool AppendsFail { get; set; }

    /// <summary>Runs before anything is appended.</summary>
    public Func<Task>? BeforeAppending { get; set; }

    /// <summary>Whether an append with an unknown outcome did happen.</summary>
    public bool UnknownIsStored { get; set; }

    /// <summary>Whether looking up fails.</summary>
    public bool RecoveryFails { get; set; }

    /// <summary>Runs before headers are read.</summary>
    public Func<Task>? BeforeReadingHeaders { get; set; }

    /// <summary>Runs before events are read, or looked for by their time.</summary>
    public Func<Task>? BeforeReading { get; set; }

    /// <summary>How often something was to be appended.</summary>
    public int Appends { get; private set; }

    public int Recoveries { get; private set; }

    public ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken) => _inner.OpenAsync(cancellationToken);

    public IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync(CancellationToken cancellationToken) => _inner.ReadKeysAsync(cancellationToken);

    public async ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        Appends++;
        if (BeforeAppending is { } before)
            await before();
        if (AppendsFail)
            return AppendOutcome.NotCommitted;
        if (NextOutcome is not { } outcome)
            return await _inner.AppendAsync(events, cancellationToken);
        NextOutcome = null;
        if (outcome == AppendOutcome.Unknown && UnknownIsStored)
            await _inner.AppendAsync(events, cancellationToken);
        return outcome;
    }

    public ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken) =>
        AppendsFail ? new("told to fail") : _inner.FindObstacleAsync(cancellationToken);

    public ValueTask<long> RecoverAsync(CancellationToken cancellationToken)
    {
        Recoveries++;
        return RecoveryFails ? throw new StoreException("still broken") : _inner.RecoverAsync(cancellationToken);
    }

    public ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken) => _inner.FindAsync(eventIds, cancellationToken);

    public async ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken)
    {
        await BeforeReadingAsync();
        return await _inner.ReadAsync(range, cancellationToken);
    }

    public ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken) => _inner.ReadTypesAsync(eventTypes, range, cancellationToken);

    public ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken) => _inner.ReadCorrelatedAsync(correlationId, range, cancellationToken);

    public async ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken)
    {
        await BeforeReadingAsync();
        return await _inner.ReadAtAsync(positions, maxBytes, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken)
    {
        if (BeforeReadingHeaders is { } before)
            await before();
        return await _inner.ReadHeadersAsync(after, max, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken)
    {
        if (BeforeReadingHeaders is { } before)
            await before();
        return await _inner.ReadHeadersAtAsync(positions, cancellationToken);
    }

    public ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken) => _inner.ReadChainAsync(walk, cancellationToken);

    public async ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken)
    {
        await BeforeReadingAsync();
        return await _inner.FindTimeAsync(timeMicros, cancellationToken);
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private Task BeforeReadingAsync() => BeforeReading?.Invoke() ?? Task.CompletedTask;
}
