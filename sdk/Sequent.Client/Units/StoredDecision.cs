using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client.Units;

/// <summary>What is stored under the id of a decision.</summary>
internal sealed class StoredDecision(IReadOnlyList<WireEvent> events, int attempts, EventMapper mapper)
{
    public IReadOnlyList<WireEvent> Events { get; } = events;

    /// <summary>As of a decision somebody made earlier.</summary>
    public UpdateResult Result => new([.. Events.Select(e => new Receipt(ReceiptStatus.Duplicate, e.Key, e.Value, e.Position, e.EventId!.Value))], attempts, EarlierDecisionStood: true)
    {
        Stored = [.. Events.Select(mapper.ToRecorded)],
    };
}
