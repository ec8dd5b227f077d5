namespace Sequent.Client.Hosting;

/// <summary>
/// One lane per key: deliveries of a key one after the other, keys side by side up to a limit. Holds no more than the bus hands over
/// without acks. What handles them must not throw; if it does all the same, the lane goes on.
/// </summary>
internal sealed class KeyLanes(int maxParallel, Func<Delivery, Task> handle) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue<Delivery>> _lanes = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _slots = new(maxParallel);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stopped;

    public void Add(Delivery delivery)
    {
        var key = delivery.Event.Key;
        Queue<Delivery>? lane;
        lock (_lock)
        {
            if (_stopped)
                return;
            if (_lanes.TryGetValue(key, out lane))
            {
                lane.Enqueue(delivery);
                return;
            }

            _lanes.Add(key, lane = new Queue<Delivery>([delivery]));
        }

        _ = Task.Run(() => RunAsync(key, lane));
    }

    /// <summary>Starts nothing new, and waits for what is running.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _stopped = true;
            if (_lanes.Count == 0)
                _idle.TrySetResult();
        }

        await _idle.Task.ConfigureAwait(false);
        _slots.Dispose();
    }

    private async Task RunAsync(string key, Queue<Delivery> lane)
    {
        while (HasNext(key, lane))
        {
            await _slots.WaitAsync().ConfigureAwait(false);
            try
            {
                if (TakeNext(lane) is { } delivery)
                    await handle(delivery).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                _slots.Release();
            }
        }
    }

    private bool HasNext(string key, Queue<Delivery> lane)
    {
        lock (_lock)
        {
            if (lane.Count > 0 && !_stopped)
                return true;
            _lanes.Remove(key);
            if (_stopped && _lanes.Count == 0)
                _idle.TrySetResult();
            return false;
        }
    }

    /// <summary>What was revoked while it waited is skipped; it comes again.</summary>
    private Delivery? TakeNext(Queue<Delivery> lane)
    {
        lock (_lock)
        {
            while (!_stopped && lane.TryDequeue(out var delivery))
            {
                if (!delivery.Revoked.IsCancellationRequested)
                    return delivery;
            }

            return null;
        }
    }
}
