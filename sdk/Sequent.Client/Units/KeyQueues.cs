namespace Sequent.Client.Units;

/// <summary>
/// One queue per key for this client's own units, first come, first served, so that they meet here and not as conflicts at the bus. A key
/// that nobody holds costs nothing. Waiting is bounded by the deadlines of the units.
/// </summary>
internal sealed class KeyQueues
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedList<TaskCompletionSource>> _held = new(StringComparer.Ordinal);

    /// <summary>Takes a key if nobody holds it.</summary>
    public bool TryTake(string key)
    {
        lock (_lock)
            return _held.TryAdd(key, []);
    }

    /// <summary>Takes a key, waiting behind those who came before.</summary>
    public async Task TakeAsync(string key, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_held.TryAdd(key, []))
                return;
            _held[key].AddLast(turn);
        }

        try
        {
            await turn.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Leave(key, turn);
            throw;
        }
    }

    /// <summary>Gives a key to whoever waits for it first.</summary>
    public void Release(string key)
    {
        lock (_lock)
        {
            var waiting = _held[key];
            if (waiting.First is not { } next)
            {
                _held.Remove(key);
                return;
            }

            waiting.RemoveFirst();
            next.Value.SetResult();
        }
    }

    private void Leave(string key, TaskCompletionSource turn)
    {
        lock (_lock)
        {
            if (!turn.Task.IsCompleted)
            {
                _held[key].Remove(turn);
                return;
            }
        }

        // Its turn came while it was leaving.
        Release(key);
    }
}
