namespace Sequent.Client.Units;

/// <summary>A time limit that can start anew. Time during which the bus is away does not count: that is nobody's fault.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _availableFor;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();

    // They have no timers of their own, so there is nothing to dispose of.
    private CancellationTokenSource _source = new();
    private long _started;
    private bool _isDisposed;

    /// <summary>Starts it.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="availableFor">How long the bus has been there without a break.</param>
    public Deadline(TimeSpan limit, TimeProvider time, Func<TimeSpan> availableFor)
    {
        (_limit, _time, _availableFor, _started) = (limit, time, availableFor, time.GetTimestamp());
        _timer = time.CreateTimer(_ => Look(), null, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the time is up.</summary>
    public CancellationToken Token
    {
        get
        {
            lock (_lock)
                return _source.Token;
        }
    }

    /// <summary>Since it last started.</summary>
    public TimeSpan Elapsed => _time.GetElapsedTime(_started);

    public void Restart()
    {
        lock (_lock)
        {
            (_source, _started) = (new CancellationTokenSource(), _time.GetTimestamp());
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _timer.Dispose();
    }

    private void Look()
    {
        CancellationTokenSource up;
        lock (_lock)
        {
            if (_isDisposed)
                return;
            var available = _availableFor();
            var rest = _limit - (available < Elapsed ? available : Elapsed);
            if (rest > TimeSpan.Zero)
            {
                // In whole milliseconds, upwards: a timer cuts them off.
                _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(rest.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
                return;
            }

            up = _source;
        }

        up.Cancel();
    }
}
