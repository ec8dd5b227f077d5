using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>Finds whose receipt it is: they come in the order of the messages and name their events by the checksums of their data.</summary>
internal sealed class OriginalReceipts(Action<BusMessage> dispatch)
{
    private readonly Lock _lock = new();
    private readonly Queue<Waiting> _waiting = [];

    public IEnumerable<ClientMessage> Send(NewMessage message)
    {
        // A single event that depends on nothing else is as atomic as it can be.
        if (message.Expect is not null || (message.Atomic && message.Events.Count > 1))
        {
            dispatch(OriginalBus.CannotDo("An atomic batch, or a unit that reads or appends more than one event's key,", message.RequestId));
            return [];
        }

        string[] checksums = [.. message.Events.Select(e => Checksum.Compute(e.Data.Span))];
        lock (_lock)
            _waiting.Enqueue(new Waiting(message, checksums));
        return [message];
    }

    /// <exception cref="ProtocolException">It is of no message that was sent.</exception>
    public void Receive(ReceiptMessage receipt)
    {
        var ignored = new List<Waiting>();
        Waiting? answered = null;
        lock (_lock)
        {
            while (answered is null && _waiting.TryDequeue(out var next))
            {
                if (next.IsAnsweredBy(receipt))
                    answered = next;
                else
                    ignored.Add(next);
            }
        }

        if (answered is null)
            throw new ProtocolException(ErrorCodes.InvalidMessage, "The bus sent a receipt for events that this session did not publish.");

        // What the original bus does not accept it passes over in silence: later receipts tell.
        foreach (var message in ignored)
            dispatch(new ErrorMessage(ErrorCodes.InvalidMessage, "The bus ignored the message: it answered a later one.") { RequestId = message.New.RequestId });
        dispatch(receipt with { RequestId = answered.New.RequestId, Receipts = [.. receipt.Receipts.Select((entry, i) => Complete(entry, answered.New.Events[i]))] });
    }

    private static ReceiptEntry Complete(ReceiptEntry entry, NewEvent e) =>
        entry with { Key = e.Key, Value = entry.Status == ReceiptStatus.Success ? e.Value : null, EventId = e.EventId };

    private sealed record Waiting(NewMessage New, IReadOnlyList<string> Checksums)
    {
        public bool IsAnsweredBy(ReceiptMessage receipt) => receipt.Receipts.Select(r => r.Checksum).SequenceEqual(Checksums, StringComparer.Ordinal);
    }
}
