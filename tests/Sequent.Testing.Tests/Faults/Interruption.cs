using System.Collections.Concurrent;
using Sequent.Client;

namespace Sequent.Testing.Tests.Faults;

/// <summary>What the test does to the handlers of an instance; as it is, nothing.</summary>
public class Interruption
{
    /// <summary>Before it reads anything.</summary>
    public virtual Task BeforeAsync(EventContext<Ordered> context, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>When it has decided, and before that is sent.</summary>
    public virtual Task DecidedAsync(EventContext<Ordered> context, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>When it has left, however.</summary>
    public virtual void Left(EventContext<Ordered> context)
    {
    }
}

/// <summary>
/// Lets handlers stop in mid-work: some before they have read anything, and some when they have decided.
/// </summary>
/// <param name="isDeaf">They do not hear that they are cancelled, as those of a frozen process.</param>
public sealed class Freeze(bool isDeaf) : Interruption
{
    private readonly Stop _beforeReading = new();
    private readonly Stop _decided = new();
    private volatile bool _isOn;

    /// <summary>A handler has stopped.</summary>
    public bool HasBegun => _beforeReading.Reached + _decided.Reached > 0;

    /// <summary>Handlers have stopped at both places.</summary>
    public bool IsComplete => _beforeReading.Reached > 0 && _decided.Reached > 0;

    /// <summary>Those that were stopped when they had decided have left.</summary>
    public bool DecidedHaveLeft => _decided.IsEmpty;

    /// <summary>All that were stopped have left.</summary>
    public bool AllHaveLeft => DecidedHaveLeft && _beforeReading.IsEmpty;

    public void Begin() => _isOn = true;

    public void WakeDecided() => _decided.Wake();

    public void WakeOthers()
    {
        _isOn = false;
        _beforeReading.Wake();
    }

    public override Task BeforeAsync(EventContext<Ordered> context, CancellationToken cancellationToken) => _isOn && context.Data.Number % 2 == 0 ? _beforeReading.WaitAsync(context, Ear(cancellationToken)) : Task.CompletedTask;

    public override Task DecidedAsync(EventContext<Ordered> context, CancellationToken cancellationToken) => _isOn && context.Data.Number % 2 == 1 ? _decided.WaitAsync(context, Ear(cancellationToken)) : Task.CompletedTask;

    public override void Left(EventContext<Ordered> context)
    {
        _beforeReading.Leave(context);
        _decided.Leave(context);
    }

    private CancellationToken Ear(CancellationToken cancellationToken) => isDeaf ? CancellationToken.None : cancellationToken;

    /// <summary>A place at which handlers stop.</summary>
    private sealed class Stop
    {
        private readonly ConcurrentDictionary<EventContext<Ordered>, byte> _inside = [];
        private readonly TaskCompletionSource _awake = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _reached;

        public int Reached => Volatile.Read(ref _reached);

        public bool IsEmpty => _inside.IsEmpty;

        public Task WaitAsync(EventContext<Ordered> context, CancellationToken cancellationToken)
        {
            _inside.TryAdd(context, 0);
            Interlocked.Increment(ref _reached);
            return _awake.Task.WaitAsync(cancellationToken);
        }

        public void Wake() => _awake.TrySetResult();

        public void Leave(EventContext<Ordered> context) => _inside.TryRemove(context, out _);
    }
}
