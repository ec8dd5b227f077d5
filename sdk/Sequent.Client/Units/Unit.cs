using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>One run of a unit: what it has read and what it wants to append.</summary>
internal sealed class Unit(FoldReader folds, EventMapper mapper, UnitWork work, HeldKeys held, CancellationToken deadline, CancellationToken cancelled) : IUnit, IDisposable
{
    private readonly Dictionary<string, ReadKey> _reads = new(StringComparer.Ordinal);
    private readonly List<NewEvent> _appends = [];
    private readonly List<object> _data = [];
    private volatile int _waits;
    private volatile bool _wasCutOff;
    private readonly Dictionary<string, int> _appendsOfKey = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _reading = new(1);
    private bool _ended;

    /// <summary>The log everything was read from, or the event that is handled is of; null if there is neither.</summary>
    public string? LogId { get; private set; } = work.LogId;

    /// <summary>It waits for the bus, or for its turn at a key, or did so when it was cancelled: whatever that took is not the function's fault.</summary>
    public bool IsWaiting => _waits > 0 || _wasCutOff;

    /// <summary>Reads came from two logs, so they say nothing together.</summary>
    public bool SawAnotherLog { get; private set; }

    /// <summary>The key whose queue did not move on before the deadline.</summary>
    public string? WaitedInVainFor { get; private set; }

    public bool HasAppends => _appends.Count > 0;

    /// <summary>Several keys were read, so somebody may have written between two of the reads.</summary>
    public bool HasReadSeveral => _reads.Count > 1;

    public IReadOnlyList<string> ReadKeys => [.. _reads.Keys];

    public async ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken)
        where TState : IState<TState>
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_appends)
            ThrowIfEnded();

        // Whoever cancels the unit means its reads too, also where its function does not hand the token on.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, cancelled);
        return await ReadOneAsync<TState>(key, either.Token).ConfigureAwait(false);
    }

    private async ValueTask<TState> ReadOneAsync<TState>(string key, CancellationToken cancellationToken)
        where TState : IState<TState>
    {
        // One read after the other: whoever reads in parallel gets the same result, and the order of taking keys stays one.
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var known = _reads.GetValueOrDefault(key);
            if (known is not null && known.States.TryGetValue(typeof(TState), out var state))
                return (TState)state;
            var read = await WaitAsync(() => TakeAndReadAsync<TState>(key, known, cancellationToken)).ConfigureAwait(false);
            if ((LogId ??= read.LogId) != read.LogId)
            {
                SawAnotherLog = true;
                throw new LogChangedException(wasSent: false);
            }

            if (known is null)
                _reads.Add(key, known = new ReadKey(read.LastValue, read.ReadUpTo));
            known.States.Add(typeof(TState), read.State);
            return read.State;
        }
        finally
        {
            _reading.Release();
        }
    }

    private async Task<ReadFold<TState>> TakeAndReadAsync<TState>(string key, ReadKey? known, CancellationToken cancellationToken)
        where TState : IState<TState>
    {
        if (known is null)
            await TakeAsync(key, cancellationToken).ConfigureAwait(false);
        return await folds.ReadAsync<TState>(key, known?.ReadUpTo, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> WaitAsync<T>(Func<Task<T>> wait)
    {
        Interlocked.Increment(ref _waits);
        try
        {
            return await wait().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _wasCutOff = true;
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _waits);
        }
    }

    public void Append(string key, object data)
    {
        lock (_appends)
        {
            ThrowIfEnded();

            // Its value is known when the run is over: the key may still be read.
            _appends.Add(mapper.ToNew(data, key, null, work.IdOf(_appends.Count), work.CorrelationId, work.TraceParent));
            _data.Add(data);
        }
    }

    /// <summary>The data of what was appended, in order.</summary>
    public IReadOnlyList<object> Data => _data;

    /// <summary>Nothing is read or appended any more; the function may have left something running.</summary>
    public void End()
    {
        lock (_appends)
            _ended = true;
    }

    /// <summary>The batch: explicit values for keys that were read, the next one for others, and what keys that were only read have to be.</summary>
    public NewMessage ToMessage()
    {
        var events = new List<NewEvent>(_appends.Count);
        _appendsOfKey.Clear();
        foreach (var e in _appends)
        {
            var before = _appendsOfKey.GetValueOrDefault(e.Key);
            _appendsOfKey[e.Key] = before + 1;
            events.Add(_reads.TryGetValue(e.Key, out var read) ? e with { Value = read.ValueAfter(before) } : e);
        }

        var expect = _reads.Where(r => !_appendsOfKey.ContainsKey(r.Key)).ToDictionary(r => r.Key, r => r.Value.LastValue, StringComparer.Ordinal);
        return new NewMessage(events) { Atomic = true, Expect = expect.Count > 0 ? expect : null };
    }

    /// <summary>Whether all keys that were read are still as they were read: then they were so together.</summary>
    public bool IsSnapshot(string logId, IReadOnlyDictionary<string, uint?> lastValues) =>
        logId == LogId && _reads.All(r => lastValues.TryGetValue(r.Key, out var last) && last == r.Value.LastValue);

    /// <summary>The semaphore is left alone: what the function left running may still hold it, and it has no handle to free.</summary>
    public void Dispose() => End();

    private async ValueTask TakeAsync(string key, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline, cancellationToken);
        try
        {
            await held.TakeAsync(key, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            WaitedInVainFor = key;
            throw;
        }
    }

    private void ThrowIfEnded()
    {
        if (_ended)
            throw new InvalidOperationException("The unit has ended. Use it only inside the function it was given to, and await what that function starts.");
    }

    /// <summary>A key that was read in this run.</summary>
    private sealed class ReadKey(uint? lastValue, long readUpTo)
    {
        public uint? LastValue { get; } = lastValue;

        public long ReadUpTo { get; } = readUpTo;

        public Dictionary<Type, object> States { get; } = [];

        /// <summary>The value of an append after so many others. Null, left to the bus, where the values of the key end: it answers <c>key_exhausted</c>.</summary>
        public uint? ValueAfter(int appends)
        {
            var value = (LastValue is { } last ? last + 1L : 0L) + appends;
            return value <= uint.MaxValue ? (uint)value : null;
        }
    }
}
