namespace Sequent.Client;

/// <summary>How far a projection is in this process. Registered as a singleton <see cref="ProjectionProgress{TProjection}"/> per projection.</summary>
public abstract class ProjectionProgress
{
    private protected ProjectionProgress()
    {
    }

    /// <summary>Everything that was stored when the projection started is applied. For readiness checks; false again after a reset.</summary>
    public bool IsCaughtUp => throw new NotImplementedException();

    /// <summary>Everything up to here is applied; 0 before the first event.</summary>
    public long Position => throw new NotImplementedException();

    /// <summary>Waits until everything up to a position (of a <see cref="Receipt"/>, say) is applied.</summary>
    /// <param name="position">The position.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task WaitForAsync(long position, CancellationToken cancellationToken = default) => throw new NotImplementedException();
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
