namespace Sequent.Bus.Delivering;

/// <summary>The operator's limits on delivering.</summary>
internal sealed record DeliveryLimits
{
    /// <summary>Unacked deliveries of a v2 instance that names no window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Unacked deliveries of one key of a v2 instance that names no window.</summary>
    public int WindowPerKey { get; init; } = 16;

    /// <summary>Failures after which an event goes to the dead letters.</summary>
    public int MaxDeliveries { get; init; } = 10;

    /// <summary>Events a client type may owe in memory; then its cursor waits.</summary>
    public int MaxUnsettled { get; init; } = 4 * 1024 * 1024;

    /// <summary>After so long without anything unacked a key gives up its instance (microseconds).</summary>
    public long StickyIdleMicros { get; init; } = 5 * 60 * 1_000_000L;

    /// <summary>How long a nacked key waits: 100 ms, doubling, at most 30 s.</summary>
    public static long BackOffMicros(int failures) => Math.Min(100_000L << Math.Min(failures - 1, 20), 30_000_000L);
}
