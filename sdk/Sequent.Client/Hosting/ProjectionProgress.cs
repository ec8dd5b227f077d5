using System.Threading.Channels;
using Sequent.Client.Hosting;

namespace Sequent.Client;

/// <summary>How far a projection is in this process. Registered as a singleton <see cref="ProjectionProgress{TProjection}"/> per projection.</summary>
public abstract class ProjectionProgress
{
    private readonly Lock _lock = new();
    private readonly List<(long Position, TaskCompletionSource Reached)> _waiting = [];
    private readonly Channel<bool> _somebodyWaits = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _position;
    private volatile bool _isCaughtUp;
    private DateTimeOffset? _behindSince;

    private protected ProjectionProgress()
    {
    }

    /// <summary>Everything that was stored when the projection started is applied. For readiness checks; false again after a reset.</summary>
    public bool IsCaughtUp => _isCaughtUp;

    /// <summary>Why it cannot go on at the moment: what the last attempt threw. Null while it follows the log. It is tried again until it works.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The highest position somebody waits for, or null.</summary>
    internal long? HighestWaitedFor
    {
        get
        {
            lock (_lock)
                return _waiting.Count == 0 ? null : _waiting.Max(w => w.Position);
        }
    }

    /// <summary>It follows the log from its checkpoint.</summary>
    internal bool IsFollowing { get; private set; }

    /// <summary>Everything up to here is applied; 0 before the first event.</summary>
    public long Position => Interlocked.Read(ref _position);

    /// <summary>
    /// Waits until everything up to a position (of a <see cref="Receipt"/>, say) is applied, so that a caller can read what it wrote. The wait has
    /// no limit of its own. If the projection takes only some event types, the bus is asked whether any of them are still to come.
    /// </summary>
    /// <param name="position">The position.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task WaitForAsync(long position, CancellationToken cancellationToken = default)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_position >= position)
                return;
            _waiting.Add((position, reached));
        }

        _somebodyWaits.Writer.TryWrite(true);
        try
        {
            await reached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
                _waiting.RemoveAll(w => w.Reached == reached);
        }
    }

    internal void MoveTo(long position)
    {
        lock (_lock)
        {
            Interlocked.Exchange(ref _position, position);
            LetGo(position);
        }
    }

    /// <summary>Nothing it takes lies between what was applied and a position, unless it has started over since: nobody needs to wait up to there.</summary>
    internal void Clear(long applied, long position)
    {
        lock (_lock)
        {
            if (_position >= applied)
                LetGo(position);
        }
    }

    /// <summary>Completes when somebody waits. For one loop.</summary>
    internal async ValueTask SomebodyWaitsAsync(CancellationToken cancellationToken)
    {
        while (HighestWaitedFor is null)
            await _somebodyWaits.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    private void LetGo(long position)
    {
        foreach (var (wanted, reached) in _waiting)
        {
            if (wanted <= position)
                reached.TrySetResult();
        }
    }

    internal void CatchUp()
    {
        lock (_lock)
            _behindSince = null;
        _isCaughtUp = true;
    }

    /// <summary>It is known to be behind by what was recorded from then on; null: by nothing.</summary>
    internal void Behind(DateTimeOffset? since)
    {
        lock (_lock)
            _behindSince = since;
    }

    /// <summary>How far it is behind, in time; null while that is not known, because it has not begun.</summary>
    internal TimeSpan? LagAt(DateTimeOffset now)
    {
        lock (_lock)
            return _behindSince is { } since ? LagGauge.Between(since, now) : _isCaughtUp ? TimeSpan.Zero : null;
    }

    internal void Begin(long position)
    {
        (IsFollowing, Failure) = (true, null);
        MoveTo(position);
    }

    internal void Fail(Exception failure) => (IsFollowing, Failure) = (false, failure);

    internal void Reset()
    {
        (_isCaughtUp, IsFollowing) = (false, false);
        Behind(null);
        MoveTo(0);
    }
}

/// <summary>How far the projection <typeparamref name="TProjection"/> is in this process.</summary>
/// <typeparam name="TProjection">The projection.</typeparam>
public sealed class ProjectionProgress<TProjection> : ProjectionProgress
    where TProjection : IProjection
{
    internal ProjectionProgress()
    {
    }
}
