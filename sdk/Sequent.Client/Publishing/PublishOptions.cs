namespace Sequent.Client;

/// <summary>What may be said about a publish beyond its data and sequence.</summary>
public sealed record PublishOptions
{
    /// <summary>
    /// The id under which the event is stored at most once, for ever. Give one to repeat a publish safely across restarts of the
    /// program. Null: a new UUIDv7, under which the SDK itself repeats after a lost connection.
    /// </summary>
    public Guid? EventId { get; init; }

    /// <summary>A number that old services carry along. Null: random.</summary>
    public uint? CorrelationId { get; init; }

    /// <summary>W3C trace context that goes with the event.</summary>
    public string? TraceParent { get; init; }
}
