namespace Sequent.Bus;

/// <summary>How a bus runs. The defaults are safe: every success is on disk before it is answered.</summary>
public sealed class SequentBusOptions
{
    /// <summary>The file of the log; null keeps everything in memory, for tests. Default: <c>sequent.db</c> in the current folder.</summary>
    public string? DataFile { get; set; } = "sequent.db";

    /// <summary>What a receipt of success promises. Default: <see cref="Durability.Full"/>.</summary>
    public Durability Durability { get; set; } = Durability.Full;

    /// <summary>The largest message, in bytes. Default: 1 MiB.</summary>
    public int MessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most events in one <c>new</c>. Default: 10,000.</summary>
    public int EventsPerMessage { get; set; } = 10_000;

    /// <summary>The longest key, in UTF-8 bytes. Default: 512.</summary>
    public int KeyBytes { get; set; } = 512;

    /// <summary>The longest event type, in UTF-8 bytes. Default: 256.</summary>
    public int EventTypeBytes { get; set; } = 256;

    /// <summary>The most events in one page of an answer. Default: 100, which with a few hundred bytes of data each is a message that .NET clients do not have to keep among large objects.</summary>
    public int QueryPage { get; set; } = 100;

    /// <summary>The most sessions at once; further ones are refused with 503. Default: 10,000.</summary>
    public int Sessions { get; set; } = 10_000;

    /// <summary>How many unacked deliveries a v2 instance takes that names no window, 1 to 65,536. Default: 256.</summary>
    public int MaxInFlight { get; set; } = 256;

    /// <summary>How many unacked deliveries of one key a v2 instance takes that names no window, 1 to 65,536. Default: 16.</summary>
    public int MaxInFlightPerKey { get; set; } = 16;

    /// <summary>After so many failures (nacks, expired deadlines) an event goes to the dead letters. Default: 10.</summary>
    public int MaxDeliveries { get; set; } = 10;

    /// <summary>After so many lost sessions the event at the head of their key goes to the dead letters. Default: 20.</summary>
    public int MaxLosses { get; set; } = 20;

    /// <summary>How long the head of a key may stay unacked at a v2 instance before that counts as a failure. Default: none, for ever.</summary>
    public TimeSpan? AckDeadline { get; set; }

    /// <summary>After so long with nothing unacked a key gives up its instance. Default: 5 min.</summary>
    public TimeSpan StickyIdle { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a client type goes on taking what a lost instance took, while another one is live. Default: 10 min.</summary>
    public TimeSpan InterestGrace { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Client types whose v1 sessions never ack: what was sent to those counts as acked. Default: none.</summary>
    public IList<string> AcksSent { get; } = [];

    /// <summary>How long a stopping bus waits for v2 instances to settle what they hold. Default: 5 s.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a peer is pinged; one that stays silent as long again is dropped. Default: 15 s.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Origins (<c>https://host:port</c>) whose pages may connect, besides the bus's own address. Default: none.</summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>With less free space than this on the disk of the log, in bytes, nothing is taken: publishes are answered <c>store_unavailable</c>. Default: 256 MiB.</summary>
    public long FreeSpaceMargin { get; set; } = 256L * 1024 * 1024;

    /// <summary>Memory for the last commits, in bytes, which feeds whoever is nearly up to date. Default: 4 MiB.</summary>
    public long RecentCommitBytes { get; set; } = 4L * 1024 * 1024;
}

/// <summary>What a receipt of success promises.</summary>
public enum Durability
{
    /// <summary>The event is on disk (fsync): it survives a power failure.</summary>
    Full,

    /// <summary>The event is with the operating system: it survives the end of the process, but a power failure may lose the last ones.</summary>
    Os,
}
