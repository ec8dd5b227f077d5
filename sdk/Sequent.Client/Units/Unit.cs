using Sequent.Client.Connecting.Original;
using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>One run of a unit: what it has read and what it wants to append.</summary>
internal sealed class Unit(FoldReader folds, EventMapper mapper, UnitWork work, HeldKeys held, CancellationToken deadline, CancellationToken cancelled) : IUnit, IDisposable
{
    // A unit inside a unit or handler must not wait for a key that the outer one may hold, and what it waits for the outer one waits for.
    private static readonly AsyncLocal<Unit?> Current = new();

    private readonly Unit? _outer = Current.Value;
    private readonly Dictionary<string, ReadKey> _reads = new(StringComparer.Ordinal);
    private readonly List<NewEvent> _appends = [];
    private readonly List<object> _data = [];
    private volatile int _waits;
    private readonly SemaphoreSlim _reading = new(1);
    private bool _ended;

    /// <summary>The log everything was read from, or the event that is handled is of; null if there is neither.</summary>
    public string? LogId { get; private set; } = work.LogId;

    /// <summary>Whether the caller is the function of a unit, or a handler.</summary>
    public static bool IsCallerInside => Current.Value is not null;

    /// <summary>The correlation of the unit or handler the caller is in, or null.</summary>
    public static uint? CallersCorrelation => Current.Value?.Work.CorrelationId;

    public UnitWork Work => work;

    /// <summary>It waits for the bus, or for its turn at a key: whatever that takes is not the function's fault.</summary>
    public bool IsWaiting => _waits > 0;

    /// <summary>Reads came from two logs, so they say nothing together.</summary>
    public bool SawAnotherLog { get; private set; }

    /// <summary>The key whose queue did not move on before the deadline.</summary>
    public string? WaitedInVainFor { get; private set; }

    public bool HasAppends => _appends.Count > 0;

    /// <summary>Several keys were read, so somebody may have written between two of the reads.</summary>
    public bool HasReadSeveral => _reads.Count > 1;

    public IReadOnlyList<string> ReadKeys => [.. _reads.Keys];

    /// <summary>Runs a wait for the bus; if the caller is inside a unit or handler, that is known to wait meanwhile.</summary>
    public static Task<T> CountWaitAsync<T>(Func<Task<T>> wait) => Current.Value is { } unit ? unit.WaitAsync(wait) : wait();

    /// <summary>Runs its function.</summary>
    public async Task DecideAsync(CancellationToken cancellationToken)
    {
        Current.Value = this;
        await work.Decide(this, cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

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
            lock (_appends)
            {
                // The run may be over by now, and what it has read was judged.
                ThrowIfEnded();
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

        // An original bus has no positions; there the commit tells whether both reads were of the same events.
        var until = LogId == OriginalBus.LogId ? null : known?.ReadUpTo;
        return await folds.ReadAsync<TState>(key, until, cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> WaitAsync<T>(Func<Task<T>> wait)
    {
        for (var unit = this; unit is not null; unit = unit._outer)
            Interlocked.Increment(ref unit._waits);
        try
        {
            return await wait().ConfigureAwait(false);
        }
        finally
        {
            for (var unit = this; unit is not null; unit = unit._outer)
                Interlocked.Decrement(ref unit._waits);
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
        var appendsOfKey = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var e in _appends)
        {
            var before = appendsOfKey.GetValueOrDefault(e.Key);
            appendsOfKey[e.Key] = before + 1;
            events.Add(_reads.TryGetValue(e.Key, out var read) ? e with { Value = read.ValueAfter(before) } : e);
        }

        var expect = _reads.Where(r => !appendsOfKey.ContainsKey(r.Key)).ToDictionary(r => r.Key, r => r.Value.LastValue, StringComparer.Ordinal);
        return new NewMessage(events) { Atomic = true, Expect = expect.Count > 0 ? expect : null };
    }

    /// <summary>Whether all keys that were read are still as they were read: then they were so together.</summary>
    public bool IsSnapshot(string logId, IReadOnlyDictionary<string, uint?> lastValues) =>
        logId == LogId && _reads.All(r => lastValues.TryGetValue(r.Key, out var last) && last == r.Value.LastValue);

    /// <summary>
    /// A conflict at an original bus that comes again although nobody has moved a key on: its last events are of types this program does not know, and the bus
    /// is asked only for those it does.
    /// </summary>
    /// <param name="before">What the former run returned.</param>
    /// <returns>The last values of this run; null at another bus.</returns>
    /// <exception cref="RequestFailedException">It is so.</exception>
    public IReadOnlyDictionary<string, uint?>? ThrowIfNothingMoves(IReadOnlyDictionary<string, uint?>? before)
    {
        if (LogId != OriginalBus.LogId || _reads.Count == 0)
            return null;
        if (before is not null && before.Count == _reads.Count && _reads.All(r => before.TryGetValue(r.Key, out var last) && last == r.Value.LastValue))
            throw new RequestFailedException(Sequent.Protocol.ErrorCodes.Internal, $"The bus does not take the value after the last one of key '{_reads.First().Key}' that was read. {OriginalBus.UnknownTypesHint}");
        return _reads.ToDictionary(r => r.Key, r => r.Value.LastValue, StringComparer.Ordinal);
    }

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
