using Sequent.Bus;

namespace Sequent.Cli.Server;

/// <summary>Everything <c>sequent server</c> can be told.</summary>
internal static class Settings
{
    public static Setting LogLevel { get; } = new("log-level", "How much is logged to standard error: trace, debug, information (info), warning (warn), error, critical, off [default: info]", (s, text) => s.LogLevel = LogLevels.Parse(text)) { Short = "-l" };

    public static Setting Data { get; } = new("data", "The file of the log; a server creates it if it does not exist [default: sequent.db]", (s, text) => s.Bus.DataFile = DataFile(text)) { Short = "-d" };

    public static IReadOnlyList<Setting> All { get; } =
    [
        LogLevel,
        new("log-format", "How it is logged: text, or json with one object a line [default: text]", (s, text) => s.LogsJson = IsJson(text)),
        new("otlp", "Where to send traces and metrics: a collector's address for OTLP over HTTP, such as http://localhost:4318 [default: nowhere]", (s, text) => s.Otlp = Otlp.Parse(text)),
        new("bind", "Where to listen, as host:port; port 0 takes any free one [default: localhost:8081]", (s, text) => s.Bind = BindAddress.Parse(text)) { Short = "-b" },
        Data,
        new("durability", "full: a success is on disk; os: it is with the operating system, and a power failure may lose the last ones [default: full]", (s, text) => s.Bus.Durability = DurabilityOf(text)),
        new("message-bytes", "The largest message [default: 1MiB]", (s, text) => s.Bus.MessageBytes = Quantities.SmallSize(text)),
        new("events-per-message", "The most events in one message [default: 10000]", (s, text) => s.Bus.EventsPerMessage = Quantities.Count(text)),
        new("key-bytes", "The longest key [default: 512]", (s, text) => s.Bus.KeyBytes = Quantities.SmallSize(text)),
        new("event-type-bytes", "The longest event type [default: 256]", (s, text) => s.Bus.EventTypeBytes = Quantities.SmallSize(text)),
        new("query-page", "The most events in one page of an answer [default: 100]", (s, text) => s.Bus.QueryPage = Quantities.Count(text)),
        new("sessions", "The most sessions at once [default: 10000]", (s, text) => s.Bus.Sessions = Quantities.Count(text)),
        new("max-in-flight", "Unacked deliveries of an instance that names no window [default: 256]", (s, text) => s.Bus.MaxInFlight = Quantities.Count(text)),
        new("max-in-flight-per-key", "Unacked deliveries of one key of an instance that names no window [default: 16]", (s, text) => s.Bus.MaxInFlightPerKey = Quantities.Count(text)),
        new("max-deliveries", "Failures after which an event goes to the dead letters [default: 10]", (s, text) => s.Bus.MaxDeliveries = Quantities.Count(text)),
        new("max-losses", "Lost sessions after which the event at the head of their key goes to the dead letters [default: 20]", (s, text) => s.Bus.MaxLosses = Quantities.Count(text)),
        new("ack-deadline", "How long the head of a key may stay unacked before that counts as a failure, or none [default: none]", (s, text) => s.Bus.AckDeadline = text == "none" ? null : Quantities.Time(text)),
        new("sticky-idle", "After so long with nothing unacked a key gives up its instance [default: 5m]", (s, text) => s.Bus.StickyIdle = Quantities.Time(text)),
        new("interest-grace", "How long a client type goes on taking what a lost instance took [default: 10m]", (s, text) => s.Bus.InterestGrace = Quantities.Time(text)),
        new("acks-sent", "A client type whose old (v1) clients never ack: what was sent to them counts as acked", (s, text) => s.Bus.AcksSent.Add(text)) { IsList = true },
        new("keep-alive", "How often a peer is pinged; one silent as long again is dropped [default: 15s]", (s, text) => s.Bus.KeepAlive = Quantities.Time(text)),
        new("drain-time", "How long a stopping bus waits for instances to settle what they hold [default: 5s]", (s, text) => s.Bus.DrainTime = Quantities.Time(text)),
        new("allowed-origin", "An origin (https://host:port) whose pages may connect, besides the bus's own address", (s, text) => s.Bus.AllowedOrigins.Add(text)) { IsList = true },
        new("free-space-margin", "With less free space than this on its disk the bus takes no events [default: 256MiB]", (s, text) => s.Bus.FreeSpaceMargin = Quantities.Size(text)),
        new("recent-commit-bytes", "Memory for the last commits, which feeds whoever is nearly up to date [default: 4MiB]", (s, text) => s.Bus.RecentCommitBytes = Quantities.Size(text)),
    ];

    private static string DataFile(string text) =>
        string.IsNullOrWhiteSpace(text) ? throw new FormatException("the name of a file is missing, such as sequent.db.") : text;

    private static bool IsJson(string text) => text.ToUpperInvariant() switch
    {
        "TEXT" => false,
        "JSON" => true,
        _ => throw new FormatException($"'{text}' is no log format. Use text or json."),
    };

    private static Durability DurabilityOf(string text) => text.ToUpperInvariant() switch
    {
        "FULL" => Durability.Full,
        "OS" => Durability.Os,
        _ => throw new FormatException($"'{text}' is no durability. Use full or os."),
    };
}
