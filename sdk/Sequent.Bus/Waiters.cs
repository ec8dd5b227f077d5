namespace Sequent.Bus;

/// <summary>
/// Who waits for something, in order. The owner's lock guards it: hold that for everything but <see cref="WaitAsync"/>. (Task.WaitAsync, Task.WhenAny
/// and SemaphoreSlim resume by way of the thread pool, which a simulation does not see; every waiter here awaits a task of its own.)
/// </summary>
internal sealed class Waiters(Lock guard)
{
    private readonly LinkedList<Waiter> _waiting = new();

    /// <summary>What the one who waits longest needs, or null if nobody waits.</summary>
    public long? Needed => _waiting.First?.Value.Amount;

    /// <summary>Takes the last place.</summary>
    /// <param name="amount">What it needs.</param>
    public LinkedListNode<Waiter> Add(long amount = 1) => _waiting.AddLast(new Waiter(amount, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));

    /// <summary>Completes when the place is released; gives it up when cancelled.</summary>
    public async Task WaitAsync(LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        using var cancelled = cancellationToken.Register(() => GiveUp(place, cancellationToken));
        await place.Value.Turn.Task;
    }

    /// <summary>Releases whoever waits longest; false if nobody waits.</summary>
    public bool ReleaseFirst()
    {
        if (_waiting.First is not { } first)
            return false;
        _waiting.RemoveFirst();
        first.Value.Turn.SetResult();
        return true;
    }

    private void GiveUp(LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        lock (guard)
        {
            if (place.List is null)
                return;
            _waiting.Remove(place);
            place.Value.Turn.SetCanceled(cancellationToken);
        }
    }
}

/// <summary>Somebody who waits.</summary>
/// <param name="Amount">What it needs.</param>
/// <param name="Turn">Completes when it has it.</param>
internal readonly record struct Waiter(long Amount, TaskCompletionSource Turn);
