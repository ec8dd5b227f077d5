namespace Sequent.Bus.Delivering;

/// <summary>The operator's limits on delivering. Times in microseconds.</summary>
internal sealed record DeliveryLimits
{
    /// <summary>Unacked deliveries of a v2 instance that names no window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Unacked deliveries of one key of a v2 instance that names no window.</summary>
    public int WindowPerKey { get; init; } = 16;

    /// <summary>Failures after which an event goes to the dead letters.</summary>
    public int MaxDeliveries { get; init; } = 10;

    /// <summary>Lost sessions after which the event at the head of their key goes to the dead letters.</summary>
    public int MaxLosses { get; init; } = 20;

    /// <summary>Sessions lost over the same event within this time count once.</summary>
    public long LossIntervalMicros { get; init; } = 5_000_000;

    /// <summary>So long after an event became the head of its key it counts as failed if it is not acked; null: never.</summary>
    public long? AckDeadlineMicros { get; init; }

    /// <summary>How long a client type goes on taking what a session took that is gone.</summary>
    public long InterestGraceMicros { get; init; } = 10 * 60 * 1_000_000L;

    /// <summary>After so long without anything unacked a key gives up its instance.</summary>
    public long StickyIdleMicros { get; init; } = 5 * 60 * 1_000_000L;

    /// <summary>
    /// Events a client type owes in memory, about 100 bytes each; what comes later is found along the chain of its key when its turn comes.
    /// </summary>
    public int MaxInMemory { get; init; } = 1024 * 1024;

    /// <summary>How many events of a key are read at once when its turn comes.</summary>
    public int MaxChain { get; init; } = 65_536;

    /// <summary>How many when memory is short.</summary>
    public int MinChain { get; init; } = 256;

    /// <summary>Keys with something unsettled that a client type may have; then its cursor waits.</summary>
    public int MaxKeysInDebt { get; init; } = 1_000_000;

    /// <summary>Keys without anything unsettled that stay with their v2 instance; beyond that the longest idle ones give theirs up early.</summary>
    public int MaxIdleKeys { get; init; } = 1_000_000;

    /// <summary>Events that are on their way to the dead letters at once because nobody takes them: what one save writes.</summary>
    public int MaxUntakenAtOnce { get; init; } = 2_000;

    /// <summary>Deliveries to a v1 session that its socket has not taken yet: until it has, nothing more is handed to it. (It has no other window.)</summary>
    public int MaxUnsent { get; init; } = 16_384;

    /// <summary>The v1 sessions of a client type that never acked may hold so many events together; then the oldest count as acked.</summary>
    public int MaxNeverAcked { get; init; } = 500_000;

    /// <summary>Client types whose v1 sessions never ack: what was sent to them counts as acked.</summary>
    public IReadOnlySet<string> AcksSent { get; init; } = new HashSet<string>();

    /// <summary>How long a nacked key waits: 100 ms, doubling, at most 30 s.</summary>
    public static long BackOffMicros(int failures) => Math.Min(100_000L << Math.Min(failures - 1, 20), 30_000_000L);
}
