using System.Runtime.CompilerServices;

namespace Sequent.Bus.Storage.InMemory;

/// <summary>The log and the delivery state in memory, for tests: nothing survives the process.</summary>
internal sealed class InMemoryStore : IEventStore, IDeliveryStore
{
    // One lock is enough: the sequencer writes, and readers copy out what they asked for.
    private readonly Lock _lock = new();
    private readonly List<StoredEvent> _events = [];
    private readonly Dictionary<Guid, StoredPlace> _ids = [];
    private readonly Dictionary<string, KeyEnd> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ClientTypeRecord> _clientTypes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<(string ClientType, long Position), DeadLetter> _deadLetters = [];

    public string LogId { get; init; } = Guid.NewGuid().ToString("D");

    public ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return new(_events.Count == 0 ? default : new LogEnd(_events.Count, _events[^1].TimeMicros));
    }

    public async IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        KeyValuePair<string, KeyEnd>[] keys;
        lock (_lock)
            keys = [.. _keys];
        foreach (var key in keys)
            yield return key;
    }

    public ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var e in events)
            {
                _events.Add(e);
                _keys[e.Key] = new KeyEnd(e.Value, e.Position);
                if (e.EventId is { } id)
                    _ids.TryAdd(id, new StoredPlace(e.Key, e.Value, e.Position, e.EventType)); // that an id comes once is the sequencer's business
            }
        }

        return new(AppendOutcome.Committed);
    }

    public ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken) => new((string?)null);

    public ValueTask<long> RecoverAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return new(_events.Count);
    }

    public ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Guid, StoredPlace>();
        lock (_lock)
        {
            foreach (var id in eventIds)
            {
                if (_ids.TryGetValue(id, out var place))
                    found[id] = place;
            }
        }

        return new(found);
    }

    public ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken) => ReadWhere(range, _ => true);

    public ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken) =>
        ReadWhere(range, e => eventTypes.Contains(e.EventType));

    public ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken) =>
        ReadWhere(range, e => e.CorrelationId == correlationId);

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var bytes = 0L;
            return new([.. positions.Select(p => _events[(int)p - 1]).TakeWhile((e, i) => (bytes += e.Data.Length) <= maxBytes || i == 0)]);
        }
    }

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new([.. _events.Skip((int)Math.Min(after, int.MaxValue)).Take(max).Select(e => e.Header)]);
    }

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new([.. positions.Select(p => _events[(int)p - 1].Header)]);
    }

    public ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken)
    {
        var chain = new Queue<long>();
        lock (_lock)
        {
            for (var position = walk.Last; position > walk.After && !(walk.Newest && chain.Count == walk.Max); position = _events[(int)position - 1].Previous)
            {
                if (position > walk.Until)
                    continue;
                chain.Enqueue(position);
                if (chain.Count > walk.Max)
                    chain.Dequeue();
            }
        }

        return new([.. chain.Reverse()]);
    }

    public ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new(_events.FindLastIndex(e => e.TimeMicros <= timeMicros) + 1);
    }

    ValueTask<IReadOnlyList<ClientTypeRecord>> IDeliveryStore.LoadAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return new([.. _clientTypes.Values]);
    }

    public ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var change in changes)
                Save(change);
        }

        return default;
    }

    public ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _clientTypes.Remove(clientType);
            foreach (var (key, _) in _deadLetters.Where(d => d.Key.ClientType == clientType).ToArray())
                _deadLetters.Remove(key);
        }

        return default;
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new([.. _deadLetters.Values.Where(d => d.ClientType == clientType && d.Position > after).Take(max)]);
    }

    public ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new(_deadLetters.Values.Count(d => d.ClientType == clientType));
    }

    private void Save(ClientTypeChanges changes)
    {
        _clientTypes.TryGetValue(changes.Name, out var saved);
        var debts = (changes.StartsOver ? [] : saved?.Debts ?? []).ToDictionary(d => d.Key, StringComparer.Ordinal);
        foreach (var key in changes.SettledKeys)
            debts.Remove(key);
        foreach (var debt in changes.Debts)
            debts[debt.Key] = debt;
        foreach (var position in changes.RemovedDeadLetters)
            _deadLetters.Remove((changes.Name, position));
        foreach (var letter in changes.DeadLetters)
            _deadLetters[(letter.ClientType, letter.Position)] = letter;
        _clientTypes[changes.Name] = new ClientTypeRecord(changes.Name, changes.Cursor, changes.Interest ?? saved?.Interest ?? [], [.. debts.Values])
        {
            Redriven = changes.Redriven ?? (changes.StartsOver ? [] : saved?.Redriven ?? []),
        };
    }

    public ValueTask DisposeAsync() => default;

    private ValueTask<LogSlice> ReadWhere(LogRange range, Func<StoredEvent, bool> wanted)
    {
        lock (_lock)
        {
            var (first, end) = ((int)Math.Min(range.After, _events.Count), (int)Math.Min(range.Until, _events.Count));
            var found = _events.GetRange(first, Math.Max(0, end - first)).Where(wanted);
            var bytes = 0L;
            var read = (range.Descending ? found.Reverse() : found).TakeWhile((e, i) => i < range.MaxEvents && ((bytes += e.Data.Length) <= range.MaxBytes || i == 0)).ToList();
            return new(new LogSlice(read, read.Count == found.Count()));
        }
    }
}
