using Sequent.Protocol;

namespace Sequent.Client;

/// <summary>Where a client type that the bus sees for the first time starts. A known client type goes on where it was.</summary>
public sealed record Start
{
    private Start(StartPosition wire) => Wire = wire;

    /// <summary>With the first event of the log.</summary>
    public static Start Earliest { get; } = new(StartPosition.Earliest);

    /// <summary>With the first event after the registration.</summary>
    public static Start Latest { get; } = new(StartPosition.Latest);

    internal StartPosition Wire { get; }

    /// <summary>With the first event after a position. Another log than <paramref name="logId"/> fails with <c>log_changed</c>.</summary>
    public static Start After(string logId, long position)
    {
        ArgumentNullException.ThrowIfNull(logId);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return new(StartPosition.After(position, logId));
    }
}
