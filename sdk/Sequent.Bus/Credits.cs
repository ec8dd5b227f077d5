namespace Sequent.Bus;

/// <summary>An amount that many share, waited for in order.</summary>
internal sealed class Credits
{
    private readonly Lock _lock = new();
    private readonly Waiters _waiters;
    private long _left;

    public Credits(long amount) => (_waiters, _left) = (new Waiters(_lock), amount);

    /// <summary>Takes some, when there is so much and nobody waits who came before.</summary>
    public Task TakeAsync(CancellationToken cancellationToken, long amount = 1)
    {
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            if (cancellationToken.IsCancellationRequested)
                return Task.FromCanceled(cancellationToken);
            if (_left >= amount && _waiters.Needed is null)
            {
                _left -= amount;
                return Task.CompletedTask;
            }

            place = _waiters.Add(amount);
        }

        return WaitAsync(place, cancellationToken);
    }

    private async Task WaitAsync(LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        try
        {
            await _waiters.WaitAsync(place, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Grant(0); // whoever stood behind it may need less
            throw;
        }
    }

    /// <summary>Gives more, or gives back.</summary>
    public void Grant(long more)
    {
        lock (_lock)
        {
            // Nobody can use more than that.
            _left = Math.Min(long.MaxValue / 2, _left + more);
            while (_waiters.Needed is { } needed && needed <= _left)
            {
                _left -= needed;
                _waiters.ReleaseFirst();
            }
        }
    }
}
