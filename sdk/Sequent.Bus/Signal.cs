namespace Sequent.Bus;

/// <summary>A moment that others wait for.</summary>
internal sealed class Signal
{
    private readonly Lock _lock = new();
    private readonly Waiters _waiters;
    private bool _isSet;

    public Signal() => _waiters = new Waiters(_lock);

    /// <summary>The moment has come, for everybody who waits and for whoever asks later.</summary>
    public void Set()
    {
        lock (_lock)
        {
            _isSet = true;
            while (_waiters.ReleaseFirst())
            {
            }
        }
    }

    /// <summary>Completes at the moment, or when cancelled.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            if (_isSet)
                return Task.CompletedTask;
            place = _waiters.Add();
        }

        return _waiters.WaitAsync(place, cancellationToken);
    }
}
