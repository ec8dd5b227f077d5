using System.Text;
using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>Finds whose receipt it is: they come in the order of the messages and name their events by the checksums of their data.</summary>
internal sealed class OriginalReceipts(Action<BusMessage> dispatch)
{
    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];

    public IEnumerable<ClientMessage> Send(NewMessage message)
    {
        // A single event that depends on nothing else is as atomic as it can be.
        if (message.Expect is not null || (message.Atomic && message.Events.Count > 1))
        {
            dispatch(OriginalBus.CannotDo("An atomic batch, or a unit that reads or appends more than one event's key,", message.RequestId));
            return [];
        }

        if (message.Events.FirstOrDefault(e => IsTooLong(e.Key, OriginalBus.Limits.KeyBytes) || IsTooLong(e.EventType, OriginalBus.Limits.EventTypeBytes)) is not null)
        {
            // A Sequent that stands in for an original bus would ignore it, and nobody would ever know.
            dispatch(new ErrorMessage(ErrorCodes.InvalidMessage, $"Keys may have at most {OriginalBus.Limits.KeyBytes} bytes in UTF-8, event types {OriginalBus.Limits.EventTypeBytes}.") { RequestId = message.RequestId });
            return [];
        }

        string[] checksums = [.. message.Events.Select(e => Checksum.Compute(e.Data.Span))];
        lock (_lock)
            _waiting.Add(new Waiting(message, checksums));
        return [message];
    }

    public void NotSent(ClientMessage message)
    {
        lock (_lock)
            _waiting.RemoveAll(w => w.New == message);
    }

    /// <exception cref="ProtocolException">It is of no message that was sent.</exception>
    public void Receive(ReceiptMessage receipt)
    {
        Waiting[] skipped;
        Waiting answered;
        lock (_lock)
        {
            // The original bus prints some floats in another way, so their checksums say nothing; the order does.
            var index = _waiting.FindIndex(w => w.IsAnsweredBy(receipt));
            if (index < 0)
                index = _waiting.FindIndex(w => w.Checksums.Count == receipt.Receipts.Count);
            if (index < 0)
                throw new ProtocolException(ErrorCodes.InvalidMessage, "The bus sent a receipt for events that this session did not publish.");
            (answered, skipped) = (_waiting[index], [.. _waiting.Take(index)]);
            _waiting.RemoveRange(0, index + 1);
        }

        // It passes over in silence what it does not accept, but also what its store failed at, some of which may be stored.
        foreach (var message in skipped)
            dispatch(new ErrorMessage(OriginalBus.NoReceipt, "The bus has answered a later publish and not this one.") { RequestId = message.New.RequestId });
        dispatch(receipt with { RequestId = answered.New.RequestId, Receipts = [.. receipt.Receipts.Select((entry, i) => entry with { Key = answered.New.Events[i].Key, Value = answered.New.Events[i].Value, EventId = answered.New.Events[i].EventId })] });
    }

    private static bool IsTooLong(string text, int maxBytes) => Encoding.UTF8.GetByteCount(text) > maxBytes;

    private sealed record Waiting(NewMessage New, IReadOnlyList<string> Checksums)
    {
        public bool IsAnsweredBy(ReceiptMessage receipt) => receipt.Receipts.Select(r => r.Checksum).SequenceEqual(Checksums, StringComparer.Ordinal);
    }
}
