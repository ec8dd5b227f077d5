using System.Runtime.CompilerServices;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>
/// A process's way to its disk, which outlives it. Writes are slow at times; those under way when the process dies happened or not, each as a
/// whole: that a transaction does not tear is for <see cref="Storage.PowerLossTests"/> to show. Everything may fail.
/// </summary>
internal class SimulatedStore(SimulatedDisk disk, SimulatedTime time, Faults faults, Random random) : IEventStore, IDeliveryStore
{
    private readonly List<Action> _underWay = [];
    private readonly TaskCompletionSource _dead = new();
    private TimeSpan _lastSave;
    private TimeSpan _lastSaveEnd;
    private bool _isDead;

    protected InMemoryStore Disk => disk.Store;

    public string LogId => Disk.LogId;

    /// <summary>When a read last failed, or null.</summary>
    public TimeSpan? LastReadFailure { get; private set; }

    /// <summary>Sees every dead letter when it is about to be saved.</summary>
    public Action<DeadLetter> LetterSeen { get; set; } = static _ => { };

    /// <summary>The process dies: what is under way happens or not, and nothing is answered any more.</summary>
    public void Die()
    {
        _isDead = true;
        foreach (var write in _underWay)
        {
            if (random.Next(2) == 0)
                faults.Note(Fault.CommitLostInCrash);
            else if (faults.Note(Fault.CommitKeptInCrash))
                write();
        }
    }

    public ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken) => Disk.OpenAsync(cancellationToken);

    public async IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var key in Disk.ReadKeysAsync(cancellationToken))
            yield return key;
    }

    public virtual async ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        if (faults.Strikes(Fault.AppendFails, 8))
            return AppendOutcome.NotCommitted;
        var isStored = !faults.Strikes(Fault.CommitUnknownLost, 4);
        StoredEvent[] kept = [.. events]; // the disk replays what it was told
        if (isStored)
            await WriteAsync(store => store.AppendAsync(kept, default).AsTask().Wait(CancellationToken.None), []);
        return !isStored || faults.Strikes(Fault.CommitUnknownStored, 4) ? AppendOutcome.Unknown : AppendOutcome.Committed;
    }

    public ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken) => Disk.FindObstacleAsync(cancellationToken);

    public ValueTask<long> RecoverAsync(CancellationToken cancellationToken) =>
        faults.Strikes(Fault.RecoveryFails, 60) ? throw new StoreException("simulated") : Disk.RecoverAsync(cancellationToken);

    public virtual ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken) =>
        Read(Disk.FindAsync(eventIds, cancellationToken));

    public ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken) => Read(Disk.ReadAsync(range, cancellationToken));

    public ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken) => Read(Disk.ReadTypesAsync(eventTypes, range, cancellationToken));

    public ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken) => Read(Disk.ReadCorrelatedAsync(correlationId, range, cancellationToken));

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken) => Read(Disk.ReadAtAsync(positions, maxBytes, cancellationToken));

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken) => Read(Disk.ReadHeadersAsync(after, max, cancellationToken));

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken) => Disk.ReadHeadersAtAsync(positions, cancellationToken);

    public ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken) => Read(Disk.ReadChainAsync(walk, cancellationToken));

    public ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken) => Read(Disk.FindTimeAsync(timeMicros, cancellationToken));

    public ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken) => ((IDeliveryStore)Disk).LoadAsync(cancellationToken);

    public virtual async ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken)
    {
        foreach (var letter in changes.SelectMany(c => c.DeadLetters))
            LetterSeen(letter);

        // Where another save had been under way until now, these changes may have waited since that one began.
        var takenAt = _lastSaveEnd == time.Elapsed ? _lastSave : time.Elapsed;
        _lastSave = time.Elapsed;
        try
        {
            if (faults.Strikes(Fault.SaveFails, 10))
                throw new StoreException("simulated");
            await WriteAsync(store => store.SaveAsync(changes, default).AsTask().Wait(CancellationToken.None), [.. changes.Select(c => (c.Name, takenAt))]);
        }
        finally
        {
            _lastSaveEnd = time.Elapsed;
        }
    }

    public ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken) => Disk.ForgetAsync(clientType, cancellationToken);

    public ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken) => Disk.ReadDeadLettersAsync(clientType, after, max, cancellationToken);

    public ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken) => Disk.CountDeadLettersAsync(clientType, cancellationToken);

    public ValueTask DisposeAsync() => default;

    /// <summary>Makes a write durable, now or a little later.</summary>
    protected async Task WriteAsync(Action<InMemoryStore> transaction, IReadOnlyList<(string ClientType, TimeSpan TakenAt)> saves)
    {
        void write() => disk.Write(transaction, saves);
        if (faults.Strikes(Fault.SlowCommit, 30))
        {
            _underWay.Add(write);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 300)), time);
            if (_isDead)
                await _dead.Task;
            _underWay.Remove(write);
        }

        if (_isDead)
            await _dead.Task;
        write();
    }

    private ValueTask<T> Read<T>(ValueTask<T> read)
    {
        if (!faults.Strikes(Fault.ReadFails, 5))
            return read;
        LastReadFailure = time.Elapsed;
        throw new StoreException("simulated");
    }
}
