namespace Sequent.Bus;

/// <summary>How a bus runs. The defaults are safe: every success is on disk before it is answered.</summary>
public sealed class SequentBusOptions
{
    /// <summary>The file of the log; null keeps everything in memory, for tests. Default: <c>sequent.db</c> in the current folder.</summary>
    public string? DataFile { get; set; } = "sequent.db";

    /// <summary>The largest message, in bytes. Default: 1 MiB.</summary>
    public int MessageBytes { get; set; } = 1024 * 1024;

    /// <summary>The most events in one <c>new</c>. Default: 10,000.</summary>
    public int EventsPerMessage { get; set; } = 10_000;

    /// <summary>The longest key, in UTF-8 bytes. Default: 512.</summary>
    public int KeyBytes { get; set; } = 512;

    /// <summary>The longest event type, in UTF-8 bytes. Default: 256.</summary>
    public int EventTypeBytes { get; set; } = 256;

    /// <summary>The most events in one page of an answer. Default: 500.</summary>
    public int QueryPage { get; set; } = 500;

    /// <summary>The most sessions at once; further ones are refused with 503. Default: 10,000.</summary>
    public int Sessions { get; set; } = 10_000;

    /// <summary>How often a peer is pinged; one that stays silent as long again is dropped. Default: 15 s.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Origins (<c>https://host:port</c>) whose pages may connect, besides the bus's own address. Default: none.</summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>Memory for the last commits, in bytes, which feeds whoever is nearly up to date. Default: 64 MiB.</summary>
    public long RecentCommitBytes { get; set; } = 64L * 1024 * 1024;
}
