using System.Buffers;
using System.Net.WebSockets;
using Microsoft.Extensions.ObjectPool;
using Sequent.Bus.Delivering;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>The only code that writes to a session's socket. Bodies of deliveries are fetched here, when the socket can take them.</summary>
/// <param name="socket">The session's socket.</param>
/// <param name="stream">What is below the socket, if that can gather frames.</param>
/// <param name="version">Its protocol.</param>
/// <param name="outbox">What is to be sent.</param>
/// <param name="log">Where bodies are.</param>
/// <param name="time">The clock of pauses.</param>
/// <param name="sessionLog">Is shown every frame, and told of trouble.</param>
internal sealed class SessionSender(WebSocket socket, SessionStream? stream, ProtocolVersion version, Outbox outbox, EventLog log, TimeProvider time, SessionLog sessionLog)
{
    /// <summary>Deliveries fetched at once.</summary>
    private const int MaxDeliveries = 256;

    private const int MaxFrameBytes = 1024 * 1024;

    /// <summary>A frame holds at most 1 MiB or one event; this leaves room for what surrounds the events.</summary>
    public const int FrameBytes = MaxFrameBytes - 1024;

    /// <summary>What is added to the printed body of an event at most: delivery, attempt, redelivered.</summary>
    public const int EventOverhead = 128;

    private static readonly TimeSpan StoreRetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>Messages with many events leave in fragments of about this size: with thousands of sessions, long buffers are what memory goes to.</summary>
    private const int FragmentBytes = 32 * 1024;

    // Most sessions are idle most of the time: one that has nothing to send has no buffer.
    private static readonly ObjectPool<ArrayBufferWriter<byte>> Buffers = new DefaultObjectPool<ArrayBufferWriter<byte>>(new BufferPolicy());

    private ArrayBufferWriter<byte> _frame = new();
    private bool _storeFailed;
    private readonly List<Handover> _deliveries = [];
    private readonly TimeZoneInfo _zone = time.LocalTimeZone;
    private (long Micros, string Text) _lastTime = (-1, "");

    /// <summary>Sends until the outbox is complete and empty.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await outbox.Reader.WaitToReadAsync(cancellationToken))
        {
            _frame = Buffers.Get();
            while (outbox.Reader.TryRead(out var item))
            {
                if (item.Message is null)
                {
                    _deliveries.Add(item.Handover);
                    if (_deliveries.Count >= MaxDeliveries)
                        await SendDeliveriesAsync(cancellationToken);
                    continue;
                }

                await SendDeliveriesAsync(cancellationToken);
                await SendAsync(item.Message, cancellationToken);
                outbox.MessageSent(item.Bytes);
            }

            await SendDeliveriesAsync(cancellationToken);
            await SendGatheredAsync(cancellationToken);
            Buffers.Return(_frame);
            _frame = new ArrayBufferWriter<byte>();
        }
    }

    private async ValueTask SendDeliveriesAsync(CancellationToken cancellationToken)
    {
        if (_deliveries.Count == 0)
            return;
        for (var sent = 0; sent < _deliveries.Count;)
        {
            var events = await ReadBodiesAsync(sent, cancellationToken);
            if (version == ProtocolVersion.V1)
            {
                foreach (var e in events)
                    await SendFrameAsync(e.V1Text(_zone), endOfMessage: true, cancellationToken);
            }

            for (var printed = 0; version == ProtocolVersion.V2 && printed < events.Count;)
                printed = await SendEventsAsync(events, sent, printed, cancellationToken);

            sent += events.Count;
            if (outbox.WhenDelivered is not { } tell)
                continue;
            await SendGatheredAsync(cancellationToken);
            await tell(_deliveries[sent - 1].Delivery);
        }

        _deliveries.Clear();
    }

    /// <summary>The bodies of the deliveries from an index on, as many as fit into memory.</summary>
    private async ValueTask<IReadOnlyList<StoredEvent>> ReadBodiesAsync(int from, CancellationToken cancellationToken)
    {
        var positions = new long[_deliveries.Count - from];
        for (var i = 0; i < positions.Length; i++)
            positions[i] = _deliveries[from + i].Position;
        while (true)
        {
            try
            {
                if (!log.IsRecent(positions[0]))
                    await SendGatheredAsync(cancellationToken);
                var bodies = await log.ReadAtAsync(positions, FrameBytes, cancellationToken);
                NoteStoreWorks();
                return bodies;
            }
            catch (StoreException e)
            {
                // The deliveries are owed, so they wait for it.
                await PauseAsync(e, cancellationToken);
            }
        }
    }

    /// <summary>Sends events from an index on as one message. Returns the index of the first one that did not fit.</summary>
    private async ValueTask<int> SendEventsAsync(IReadOnlyList<StoredEvent> events, int firstDelivery, int from, CancellationToken cancellationToken)
    {
        _frame.Write("{\"message_type\":\"events\",\"events\":["u8);
        var index = from;
        for (var bytes = 0; index < events.Count; index++)
        {
            var body = events[index].V2Body(_zone);
            bytes += body.Length + EventOverhead;
            if (index > from && bytes > FrameBytes)
                break;
            if (index > from)
                _frame.Write(","u8);
            var d = _deliveries[firstDelivery + index];
            EventWriter.AppendDelivery(_frame, body, d.Delivery, d.Attempt, d.Redelivered, d.Redriven);
            await SendFragmentAsync(cancellationToken);
        }

        _frame.Write("]}"u8);
        await SendFrameAsync(cancellationToken);
        return index;
    }

    private async ValueTask SendAsync(object message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case DecidedPublish decided: BusMessageWriter.Write(Receipt(decided), _frame); break;
            case QueryPage page:
                await SendPageAsync(page, cancellationToken);
                page.Left();
                return;
            case HelloMessage m: BusMessageWriter.Write(m, _frame); break;
            case RegistrationMessage m: BusMessageWriter.Write(m, _frame); break;
            case UnregisteredMessage m: BusMessageWriter.Write(m, _frame); break;
            case DrainingMessage m: BusMessageWriter.Write(m, _frame); break;
            case RevokedMessage m: BusMessageWriter.Write(m, _frame); break;
            case CaughtUpMessage m: BusMessageWriter.Write(m, _frame); break;
            case SequencesMessage m: BusMessageWriter.Write(m, _frame); break;
            case ErrorMessage m: BusMessageWriter.Write(m, _frame); break;
            case V1Rebuild rebuild:
                await SendRebuildAsync(rebuild, cancellationToken);
                return;
            default: throw new InvalidOperationException($"{message.GetType().Name} cannot be sent.");
        }

        await SendFrameAsync(cancellationToken);
    }

    /// <summary>v1 statuses are only success and inconsistent, and its receipts are recognised by their checksums.</summary>
    private ReceiptMessage Receipt(DecidedPublish decided)
    {
        var entries = decided.V1Events is { } events ? V1Entries(events, decided.Result.Entries) : decided.Result.Entries;
        // All receipts of a commit have the same one.
        if (_lastTime.Micros != decided.Result.TimeMicros)
            _lastTime = (decided.Result.TimeMicros, Rfc2822.Format(DateTimeOffset.UnixEpoch.AddMicroseconds(decided.Result.TimeMicros), _zone));
        return new ReceiptMessage(entries, decided.Sender, _lastTime.Text) { RequestId = decided.RequestId };
    }

    private static ReceiptEntry[] V1Entries(IReadOnlyList<NewEvent> events, IReadOnlyList<ReceiptEntry> decided)
    {
        var entries = new ReceiptEntry[events.Count];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = new ReceiptEntry(decided[i].Status) { Checksum = Checksum.Compute(events[i].Data.Span) };
        return entries;
    }

    private async ValueTask SendPageAsync(QueryPage message, CancellationToken cancellationToken)
    {
        BusMessageWriter.BeginRebuild(message.RequestId, _frame);
        for (var i = 0; i < message.Page.Events.Count; i++)
        {
            if (i > 0)
                _frame.Write(","u8);
            EventWriter.CloseBody(_frame, message.Page.Events[i].V2Body(_zone));
            await SendFragmentAsync(cancellationToken);
        }

        BusMessageWriter.EndRebuild(message.Page.Position, message.Page.Last, _frame);
        await SendFrameAsync(cancellationToken);
    }

    /// <summary>One message however long, in fragments, so that only a page is in memory. A store that fails in between is waited for.</summary>
    private async ValueTask SendRebuildAsync(V1Rebuild rebuild, CancellationToken cancellationToken)
    {
        await SendGatheredAsync(cancellationToken);
        _frame.Write("{\"events\":["u8);
        var isFirst = true;
        for (var after = rebuild.Selection.After; ;)
        {
            try
            {
                await foreach (var page in rebuild.Pages.ReadAsync(rebuild.Selection with { After = after }, cancellationToken))
                {
                    NoteStoreWorks();
                    await SendRebuildPageAsync(page, isFirst, cancellationToken);
                    await SendGatheredAsync(cancellationToken);
                    after = page.Position;
                    isFirst &= page.Events.Count == 0;
                }

                break;
            }
            catch (StoreException e)
            {
                await PauseAsync(e, cancellationToken);
            }
        }

        _frame.Write("],\"message_type\":\"rebuild\"}"u8);
        await SendFrameAsync(cancellationToken);
    }

    private async ValueTask SendRebuildPageAsync(Page page, bool isFirst, CancellationToken cancellationToken)
    {
        foreach (var e in page.Events)
        {
            if (!isFirst)
                _frame.Write(","u8);
            isFirst = false;
            EventWriter.WriteV1(e.ToWire(), "rebuild", _zone, _frame);
            await SendFragmentAsync(cancellationToken);
        }
    }

    private async Task PauseAsync(StoreException fault, CancellationToken cancellationToken)
    {
        if (!_storeFailed)
            sessionLog.StoreFailed(fault);
        _storeFailed = true;
        await SendGatheredAsync(cancellationToken);
        await Task.Delay(StoreRetryDelay, time, cancellationToken);
    }

    private void NoteStoreWorks()
    {
        if (_storeFailed)
            sessionLog.StoreWorks();
        _storeFailed = false;
    }

    /// <summary>What is printed of a message so far, if it is long enough.</summary>
    private ValueTask SendFragmentAsync(CancellationToken cancellationToken) =>
        _frame.WrittenCount >= FragmentBytes ? SendFrameAsync(cancellationToken, endOfMessage: false) : ValueTask.CompletedTask;

    private async ValueTask SendFrameAsync(CancellationToken cancellationToken, bool endOfMessage = true)
    {
        // An answer that has to be one message, such as the receipt of many events, may be longer than a frame.
        var rest = _frame.WrittenMemory;
        for (; rest.Length > MaxFrameBytes; rest = rest[MaxFrameBytes..])
            await SendFrameAsync(rest[..MaxFrameBytes], endOfMessage: false, cancellationToken);
        await SendFrameAsync(rest, endOfMessage, cancellationToken);
        _frame.ResetWrittenCount();
    }

    private ValueTask SendFrameAsync(ReadOnlyMemory<byte> utf8, bool endOfMessage, CancellationToken cancellationToken)
    {
        sessionLog.Sent(utf8);
        stream?.Gather();
        return socket.SendAsync(utf8, WebSocketMessageType.Text, endOfMessage, cancellationToken);
    }

    /// <summary>Frames leave together, but none waits for what may take a while.</summary>
    private ValueTask SendGatheredAsync(CancellationToken cancellationToken) => stream?.SendGatheredAsync(cancellationToken) ?? ValueTask.CompletedTask;

    private sealed class BufferPolicy : PooledObjectPolicy<ArrayBufferWriter<byte>>
    {
        /// <summary>One that grew beyond this for a long message is not kept.</summary>
        private const int KeptBytes = 256 * 1024;

        public override ArrayBufferWriter<byte> Create() => new(2 * FragmentBytes);

        public override bool Return(ArrayBufferWriter<byte> buffer)
        {
            buffer.ResetWrittenCount();
            return buffer.Capacity <= KeptBytes;
        }
    }
}
