using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client;

/// <summary>The bus's answer to one published event.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Key">The sequence key; of a duplicate the stored event's.</param>
/// <param name="Value">The value given; of a duplicate the stored event's. Null if it has none.</param>
/// <param name="Position">The place in the log; null if nothing is stored.</param>
/// <param name="EventId">The id it was published with.</param>
public sealed record Receipt(ReceiptStatus Status, string Key, uint? Value, long? Position, Guid EventId)
{
    /// <summary>On a conflict the value that was due.</summary>
    public uint? Expected { get; init; }

    /// <summary>On the first event of a batch with reason <see cref="RejectReasons.ExpectFailed"/> the keys that have moved on, with their last values; else null.</summary>
    public IReadOnlyDictionary<string, uint?>? Moved { get; init; }

    /// <summary>On a rejection one of <see cref="RejectReasons"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>The event is stored and durable: by this publish, or (duplicate) by an earlier one with the same id.</summary>
    public bool IsSuccess => Status is ReceiptStatus.Success or ReceiptStatus.Duplicate;

    /// <summary>The receipts of a message. Duplicates that answer this client's own repetition are what the first answer would have been: success.</summary>
    internal static IReadOnlyList<Receipt> Of(NewMessage message, PublishAnswer answer)
    {
        // An event without a place is not stored: then somebody else has stored the decision, with other events.
        var isOwn = answer.WasResent && answer.Entries.All(e => e.Status != ReceiptStatus.Duplicate || e.Position is not null);
        var receipts = new Receipt[message.Events.Count];
        for (var i = 0; i < receipts.Length; i++)
            receipts[i] = Of(answer.Entries[i], message.Events[i], isOwn);
        return receipts;
    }

    /// <summary>The receipt of a message of one event.</summary>
    internal static Receipt OfOne(NewEvent e, PublishAnswer answer) =>
        Of(answer.Entries[0], e, answer.WasResent && (answer.Entries[0].Status != ReceiptStatus.Duplicate || answer.Entries[0].Position is not null));

    private static Receipt Of(ReceiptEntry entry, NewEvent e, bool isOwn) =>
        new(entry.Status == ReceiptStatus.Duplicate && isOwn ? ReceiptStatus.Success : entry.Status, entry.Key ?? e.Key, entry.Value, entry.Position, entry.EventId ?? e.EventId!.Value)
        {
            Expected = entry.Expected,
            Reason = entry.Reason,
            Moved = entry.Expect,
        };
}
