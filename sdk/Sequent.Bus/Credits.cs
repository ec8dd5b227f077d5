namespace Sequent.Bus;

/// <summary>A number of things that may be taken, waited for in order.</summary>
internal sealed class Credits
{
    private readonly Lock _lock = new();
    private readonly Waiters _waiters;
    private int _count;

    public Credits(int count) => (_waiters, _count) = (new Waiters(_lock), count);

    /// <summary>Takes one, when there is one.</summary>
    public Task TakeAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource> turn;
        lock (_lock)
        {
            if (cancellationToken.IsCancellationRequested)
                return Task.FromCanceled(cancellationToken);
            if (_count > 0)
            {
                _count--;
                return Task.CompletedTask;
            }

            turn = _waiters.Add();
        }

        return _waiters.WaitAsync(turn, cancellationToken);
    }

    /// <summary>Gives further ones.</summary>
    public void Grant(int more)
    {
        lock (_lock)
        {
            for (; more > 0 && _waiters.ReleaseFirst(); more--)
            {
            }

            // Nobody can use more than that.
            _count = (int)Math.Min(int.MaxValue, (long)_count + more);
        }
    }
}
