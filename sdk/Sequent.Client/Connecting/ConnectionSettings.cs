using Microsoft.Extensions.Logging;

namespace Sequent.Client.Connecting;

/// <summary>What every connection of a client has in common.</summary>
/// <param name="Server">The address of the bus.</param>
/// <param name="DelayMax">The longest pause between two attempts.</param>
/// <param name="EventTypes">The names of the event types the program knows.</param>
/// <param name="Time">The clock of pauses and timeouts.</param>
/// <param name="Loggers">Where connections log.</param>
internal sealed record ConnectionSettings(Uri Server, TimeSpan DelayMax, Func<IReadOnlyList<string>> EventTypes, TimeProvider Time, ILoggerFactory Loggers)
{
    /// <summary>How long it may take to open a socket and get <c>hello</c>.</summary>
    public static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long the last messages and the goodbye may take.</summary>
    public static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A peer is pinged so often, and dropped if it stays silent as long again: a dead one is noticed within 30 s.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
}
