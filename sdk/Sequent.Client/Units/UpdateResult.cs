namespace Sequent.Client;

/// <summary>What became of a unit.</summary>
/// <param name="Receipts">One per appended event, in order. If an earlier decision stood: those of its events, as duplicates.</param>
/// <param name="Attempts">How often the function ran; more than 1 after conflicts, 0 if an earlier decision was found first.</param>
/// <param name="EarlierDecisionStood">The unit's <see cref="UpdateOptions.DecisionId"/> was stored already; nothing was appended now.</param>
public sealed record UpdateResult(IReadOnlyList<Receipt> Receipts, int Attempts, bool EarlierDecisionStood)
{
    private readonly IReadOnlyList<object> _data = [];

    /// <summary>
    /// The data of the stored events, in the order of <see cref="Receipts"/>: what was appended, or what the earlier decision had appended, read as
    /// <see cref="RecordedEvent.Data"/> is, and with its exceptions.
    /// </summary>
    public IReadOnlyList<object> Data
    {
        get => Stored is { } stored ? [.. stored.Select(e => e.Data)] : _data;
        init => _data = value;
    }

    /// <summary>An earlier decision's events; read only if somebody wants to know.</summary>
    internal IReadOnlyList<RecordedEvent>? Stored { get; init; }
}
