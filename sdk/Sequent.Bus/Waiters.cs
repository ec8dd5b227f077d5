namespace Sequent.Bus;

/// <summary>
/// Who waits for something, in order. The owner's lock guards it: hold that for everything but <see cref="WaitAsync"/>. (Task.WaitAsync, Task.WhenAny
/// and SemaphoreSlim resume by way of the thread pool, which a simulation does not see; every waiter here awaits a task of its own.)
/// </summary>
internal sealed class Waiters(Lock guard)
{
    private readonly LinkedList<TaskCompletionSource> _waiting = new();

    /// <summary>Takes the last place.</summary>
    public LinkedListNode<TaskCompletionSource> Add() => _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Completes when the place is released; gives it up when cancelled.</summary>
    public async Task WaitAsync(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.Register(() => GiveUp(place, cancellationToken));
        await place.Value.Task;
    }

    /// <summary>Releases whoever waits longest; false if nobody waits.</summary>
    public bool ReleaseFirst()
    {
        if (_waiting.First is not { } first)
            return false;
        _waiting.RemoveFirst();
        first.Value.SetResult();
        return true;
    }

    private void GiveUp(LinkedListNode<TaskCompletionSource> place, CancellationToken cancellationToken)
    {
        lock (guard)
        {
            if (place.List is null)
                return;
            _waiting.Remove(place);
            place.Value.SetCanceled(cancellationToken);
        }
    }
}
