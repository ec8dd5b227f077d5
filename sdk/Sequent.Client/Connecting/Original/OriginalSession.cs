using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>
/// Makes a session with an original bus look like any other: what the client sends becomes messages of the original protocol, and its answers become those
/// the client waits for. What the protocol cannot carry is answered here. The sending and the receiving loop call it, each for itself.
/// </summary>
internal sealed class OriginalSession : IDisposable
{
    private readonly Action<BusMessage> _dispatch;
    private readonly OriginalReceipts _receipts;
    private readonly OriginalQueries _queries;
    private readonly OriginalDeliveries _deliveries;

    /// <param name="dispatch">Takes what the client is told. Called by several threads, one after the other.</param>
    /// <param name="sendLater">Sends a message of the client, through <see cref="Translate"/>, when its turn comes.</param>
    /// <param name="giveUp">Ends the session.</param>
    /// <param name="eventTypes">The types that are asked for where the client asks for all: the protocol has no word for that.</param>
    /// <param name="time">The clock of pauses.</param>
    public OriginalSession(Action<BusMessage> dispatch, Action<ClientMessage> sendLater, Action giveUp, Func<IReadOnlyList<string>> eventTypes, TimeProvider time)
    {
        var oneByOne = new Lock();
        _dispatch = message =>
        {
            lock (oneByOne)
                dispatch(message);
        };
        _receipts = new OriginalReceipts(_dispatch);
        _queries = new OriginalQueries(_dispatch, sendLater, eventTypes, giveUp, time);
        _deliveries = new OriginalDeliveries(_dispatch, time);
    }

    /// <summary>What has to be sent for a message of the client: often one message, sometimes none or several.</summary>
    public IEnumerable<ClientMessage> Translate(ClientMessage message)
    {
        switch (message)
        {
            case NewMessage m: return _receipts.Send(m);
            case QueryMessage m: return _queries.Send(m);
            case CancelMessage m: _queries.Cancel(m.RequestId!); break;
            case SequenceMessage m: _dispatch(OriginalBus.CannotDo("A snapshot of several keys, as of a unit that reads more than one,", m.RequestId)); break;
            case RegisterMessage m: return Register(m);
            case AckMessage m: return _deliveries.Ack(m);
            case NackMessage m: _deliveries.Nack(m); break;
        }

        // The others have no counterpart, and nothing depends on them: there are no pages, deadlines or drains.
        return [];
    }

    /// <summary>Takes a message of the bus.</summary>
    /// <param name="message">The message.</param>
    /// <param name="utf8">Its text.</param>
    /// <exception cref="ProtocolException">It answers nothing that was asked.</exception>
    public void Receive(BusMessage message, ReadOnlyMemory<byte> utf8)
    {
        switch (message)
        {
            case ReceiptMessage m: _receipts.Receive(m); break;
            case RebuildMessage m: _queries.Receive(m); break;
            case EventsMessage { Events: [var e] }: _deliveries.Receive(e.Event, utf8); break;
            default: _dispatch(message); break;
        }
    }

    /// <summary>A message that <see cref="Translate"/> has returned does not go out.</summary>
    public void NotSent(ClientMessage message) => _receipts.NotSent(message);

    /// <summary>When the oldest event that is not settled was recorded, also of those that pause after a nack; null: there is none.</summary>
    public DateTimeOffset? OldestUnsettled => _deliveries.Oldest;

    /// <summary>Completes when more deliveries may be taken. The protocol has no window, so whoever does not keep up stops reading.</summary>
    public Task WaitForRoomAsync(CancellationToken cancellationToken) => _deliveries.WaitForRoomAsync(cancellationToken);

    public void Dispose()
    {
        _queries.Dispose();
        _deliveries.Dispose();
    }

    private IEnumerable<ClientMessage> Register(RegisterMessage message)
    {
        if (message.Start is not ({ IsEarliest: true } or { Position: not null }))
            return [message];
        _dispatch(OriginalBus.CannotDo(message.Start.IsEarliest ? "Start.Earliest" : "Start.After", message.RequestId));
        return [];
    }
}
