namespace Sequent.Client.Units;

/// <summary>
/// The keys one run of a unit holds in the <see cref="KeyQueues"/>. It waits only while it holds none, or in sorted order, so units never
/// wait for each other in a circle.
/// </summary>
/// <param name="queues">The client's queues.</param>
/// <param name="mayWait">False inside another unit, which may hold the very key.</param>
internal sealed class HeldKeys(KeyQueues queues, bool mayWait) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private bool _released;

    /// <summary>Waits for all keys of the last run, in sorted order.</summary>
    public async Task TakeAllAsync(IEnumerable<string> keys, CancellationToken cancellationToken)
    {
        if (!mayWait)
            return;
        foreach (var key in keys.Order(StringComparer.Ordinal))
        {
            await queues.TakeAsync(key, cancellationToken).ConfigureAwait(false);
            Keep(key);
        }
    }

    /// <summary>Waits for the first key; takes a further one only if it is free. Without it the run goes on, and may meet a conflict.</summary>
    public async ValueTask TakeAsync(string key, CancellationToken cancellationToken)
    {
        if (_keys.Count == 0 && mayWait)
            await queues.TakeAsync(key, cancellationToken).ConfigureAwait(false);
        else if (!queues.TryTake(key))
            return;
        Keep(key);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _released = true;
            foreach (var key in _keys)
                queues.Release(key);
            _keys.Clear();
        }
    }

    private void Keep(string key)
    {
        lock (_lock)
        {
            // Something the function left running came through after the run: nobody would release this key.
            if (_released)
                queues.Release(key);
            else
                _keys.Add(key);
        }
    }
}
