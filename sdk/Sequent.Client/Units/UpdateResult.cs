namespace Sequent.Client;

/// <summary>What became of a unit.</summary>
/// <param name="Receipts">One per appended event, in order. If an earlier decision stood: those of its events that are known, at least of the first one.</param>
/// <param name="Attempts">How often the function ran; more than 1 after conflicts, 0 if an earlier decision was found first.</param>
/// <param name="EarlierDecisionStood">The unit's <see cref="UpdateOptions.DecisionId"/> was stored already; nothing was appended now.</param>
public sealed record UpdateResult(IReadOnlyList<Receipt> Receipts, int Attempts, bool EarlierDecisionStood);
