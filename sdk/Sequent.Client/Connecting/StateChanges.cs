namespace Sequent.Client.Connecting;

/// <summary>Tells subscribers of changes in order, one at a time, on a thread of the pool: whatever they do, the connection goes on.</summary>
internal sealed class StateChanges(Action<ConnectionStateChangedEventArgs> tell)
{
    /// <summary>A subscriber that is so many changes behind misses the oldest.</summary>
    private const int MaxWaiting = 256;

    private readonly Lock _lock = new();
    private readonly Queue<ConnectionStateChangedEventArgs> _waiting = new();
    private ConnectionState _state = ConnectionState.Idle;
    private bool _isTelling;

    public void Enter(ConnectionState state, BusInfo? bus = null)
    {
        lock (_lock)
        {
            if (state == _state || _state == ConnectionState.Closed)
                return;
            if (_waiting.Count >= MaxWaiting)
                _waiting.Dequeue();
            _waiting.Enqueue(new ConnectionStateChangedEventArgs(_state, state, bus));
            _state = state;
            if (_isTelling)
                return;
            _isTelling = true;
        }

        _ = Task.Run(TellAll);
    }

    private void TellAll()
    {
        while (Next() is { } change)
            tell(change);
    }

    private ConnectionStateChangedEventArgs? Next()
    {
        lock (_lock)
        {
            if (_waiting.TryDequeue(out var next))
                return next;
            _isTelling = false;
            return null;
        }
    }
}
