namespace Sequent.Bus;

/// <summary>
/// A number of things that may be taken, waited for in order. (SemaphoreSlim resumes its waiters by way of the thread pool, which a
/// simulation does not see.)
/// </summary>
internal sealed class Credits(int count)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private int _count = count;

    /// <summary>Takes one, when there is one.</summary>
    public async Task TakeAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource> turn;
        lock (_lock)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_count > 0)
            {
                _count--;
                return;
            }

            turn = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        using var cancelled = cancellationToken.Register(() => GiveUp(turn, cancellationToken));
        await turn.Value.Task;
    }

    /// <summary>Gives further ones.</summary>
    public void Grant(int more)
    {
        lock (_lock)
        {
            for (; more > 0 && _waiting.First is { } first; more--)
            {
                _waiting.RemoveFirst();
                first.Value.SetResult();
            }

            // Nobody can use more than that.
            _count = (int)Math.Min(int.MaxValue, (long)_count + more);
        }
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> turn, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (turn.List is null)
                return;
            _waiting.Remove(turn);
            turn.Value.SetCanceled(cancellationToken);
        }
    }
}
