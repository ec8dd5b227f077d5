namespace Sequent.Client.Units;

/// <summary>When a unit asks whether its decision is stored already.</summary>
internal enum DecisionLookup
{
    /// <summary>Never; the bus notices at commit.</summary>
    AtCommit,

    /// <summary>Before the first run.</summary>
    Once,

    /// <summary>Before each run, and when the function throws.</summary>
    Always,
}

/// <summary>What a unit does, and under which names.</summary>
/// <param name="Decide">Reads, decides, appends.</param>
/// <param name="IdOf">The id of the event of an index. The first one names the decision.</param>
/// <param name="Lookup">When to ask whether the decision is stored.</param>
/// <param name="CorrelationId">For every event.</param>
internal sealed record UnitWork(Func<Unit, CancellationToken, Task> Decide, Func<int, Guid> IdOf, DecisionLookup Lookup, uint CorrelationId)
{
    /// <summary>W3C trace context for every event.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The only log the decision is about: the one of the event that is handled. Null: whichever is read.</summary>
    public string? LogId { get; init; }

    /// <summary>If the decision is stored already, somebody wants to know its events.</summary>
    public bool WantsEvents { get; init; } = true;

    /// <summary>It is only right if the bus keeps ids: it may run again later, and must not count twice.</summary>
    public bool NeedsIds { get; init; }

    /// <summary>How long the receipt may take; null: until cancelled.</summary>
    public TimeSpan? PublishTimeout { get; init; }
}
