namespace Sequent.Client;

/// <summary>What may be said about a unit beyond its function.</summary>
public sealed record UpdateOptions
{
    /// <summary>
    /// Names the decision: the id of the first event it appends. If an event of that id is stored, the earlier decision stands and
    /// nothing is appended, so a request that is repeated with the same id takes effect once. Null: every call decides anew.
    /// </summary>
    public Guid? DecisionId { get; init; }

    /// <summary>A number that old services carry along, for every event of the unit. Null: random.</summary>
    public uint? CorrelationId { get; init; }
}
