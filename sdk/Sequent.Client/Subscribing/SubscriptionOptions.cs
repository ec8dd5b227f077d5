namespace Sequent.Client;

/// <summary>How to take part as an instance of a client type.</summary>
/// <param name="ClientType">The name of the service. Its instances share the events between them.</param>
public sealed record SubscriptionOptions(string ClientType)
{
    /// <summary>The event types to take, by their names on the wire. Default: all (<c>["*"]</c>).</summary>
    public IReadOnlyList<string> Types { get; init; } = ["*"];

    /// <summary>Where a client type seen for the first time starts. Null: the bus's default, <see cref="Start.Latest"/>.</summary>
    public Start? Start { get; init; }

    /// <summary>How many deliveries may be unacked, 1..65536. Null: the bus's default, 256.</summary>
    public int? MaxInFlight { get; init; }

    /// <summary>How many of them may be of one key, 1..65536. Null: the bus's default, 16.</summary>
    public int? MaxInFlightPerKey { get; init; }

    /// <summary>How long leaving waits for deliveries that were handed out and are neither acked nor nacked. Then they go to other instances. Default: 5 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A name of this instance, for people. Null: none.</summary>
    public string? Instance { get; init; }
}
