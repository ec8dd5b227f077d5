namespace Sequent.Bus;

/// <summary>
/// A moment that others wait for. (Task.WaitAsync and Task.WhenAny resume by way of the thread pool, which a simulation does not see; every
/// waiter here awaits a task of its own.)
/// </summary>
internal sealed class Signal
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private bool _isSet;

    /// <summary>The moment has come, for everybody who waits and for whoever asks later.</summary>
    public void Set()
    {
        lock (_lock)
        {
            _isSet = true;
            foreach (var waiting in _waiting)
                waiting.SetResult();
            _waiting.Clear();
        }
    }

    /// <summary>Completes at the moment, or when cancelled.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource> place;
        lock (_lock)
        {
            if (_isSet)
                return;
            place = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        using var cancelled = cancellationToken.Register(() => GiveUp(place, cancellationToken));
        await place.Value.Task;
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (place.List is null)
                return;
            _waiting.Remove(place);
            place.Value.SetCanceled(cancellationToken);
        }
    }
}
