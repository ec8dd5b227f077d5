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
    private readonly List<DeadLetter> _deadLetters = [];

    public string LogId { get; } = Guid.NewGuid().ToString("D");

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
                    _ids.Add(id, new StoredPlace(e.Key, e.Value, e.Position, e.EventType));
            }
        }

        return new(AppendOutcome.Committed);
    }

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

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAsync(long after, long until, int max, CancellationToken cancellationToken) =>
        ReadWhere(after, until, max, _ => true);

    public ValueTask<IReadOnlyList<StoredEvent>> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, long after, long until, int max, CancellationToken cancellationToken) =>
        ReadWhere(after, until, max, e => eventTypes.Contains(e.EventType));

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken)
    {
        lock (_lock)
            return new([.. positions.Where(p => p >= 1 && p <= _events.Count).Select(p => _events[(int)p - 1])]);
    }

    public ValueTask<IReadOnlyList<long>> ReadChainAsync(long last, long after, CancellationToken cancellationToken)
    {
        var chain = new List<long>();
        lock (_lock)
        {
            for (var position = last; position > after; position = _events[(int)position - 1].Previous)
                chain.Add(position);
        }

        chain.Reverse();
        return new(chain);
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

    public ValueTask SaveAsync(ClientTypeChanges changes, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _clientTypes.TryGetValue(changes.Name, out var saved);
            var debts = (saved?.Debts ?? []).ToDictionary(d => d.Key, StringComparer.Ordinal);
            foreach (var key in changes.SettledKeys)
                debts.Remove(key);
            foreach (var debt in changes.Debts)
                debts[debt.Key] = debt;
            _clientTypes[changes.Name] = new ClientTypeRecord(changes.Name, changes.Cursor, changes.Interest ?? saved?.Interest ?? [], [.. debts.Values]);
        }

        return default;
    }

    public ValueTask AddDeadLetterAsync(DeadLetter deadLetter, CancellationToken cancellationToken)
    {
        lock (_lock)
            _deadLetters.Add(deadLetter);
        return default;
    }

    public ValueTask DisposeAsync() => default;

    private ValueTask<IReadOnlyList<StoredEvent>> ReadWhere(long after, long until, int max, Func<StoredEvent, bool> wanted)
    {
        lock (_lock)
        {
            var end = (int)Math.Min(until, _events.Count);
            return new([.. _events.Skip((int)Math.Min(after, int.MaxValue)).Take(Math.Max(0, end - (int)after)).Where(wanted).Take(max)]);
        }
    }
}
