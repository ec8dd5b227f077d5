using System.Threading.Channels;
using Sequent.Bus.Delivering;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>
/// What a session has to send, in order. Deliveries wait here as positions, never as bodies. Everything else is bounded, by number and by
/// bytes, because whoever produces it waits for room first.
/// </summary>
internal sealed class Outbox(ProtocolVersion version) : IDeliveryOutbox
{
    /// <summary>Messages other than deliveries that may wait before their producers do.</summary>
    private const int MaxMessages = 1_024;

    /// <summary>What of received messages they may keep in memory, in bytes, before no more are read.</summary>
    private const long MaxBytes = 8 * 1024 * 1024;

    private readonly Channel<OutboxItem> _items = Channel.CreateUnbounded<OutboxItem>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _lock = new();
    private Signal? _room;
    private int _messages;
    private long _bytes;

    /// <summary>Called when the socket has taken everything up to a delivery, should anybody want to know.</summary>
    public Func<long, ValueTask>? WhenDelivered { get; set; }

    public ChannelReader<OutboxItem> Reader => _items.Reader;

    private bool HasRoom => _messages < MaxMessages && _bytes < MaxBytes;

    /// <summary>Adds a message. Never blocks; <see cref="WaitForRoomAsync"/> is what bounds it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="bytes">What it keeps in memory, if that is much.</param>
    public void Post(object message, long bytes = 0)
    {
        lock (_lock)
        {
            _messages++;
            _bytes += bytes;
        }

        _items.Writer.TryWrite(new OutboxItem(message, default, bytes));
    }

    public void Deliver(Handover handover) => _items.Writer.TryWrite(new OutboxItem(null, handover, 0));

    public void Revoke(IReadOnlyList<long> deliveries)
    {
        // v1 knows no revocation: its sessions hold events until they end.
        if (version == ProtocolVersion.V2)
            Post(new RevokedMessage(deliveries));
    }

    /// <summary>A message has left.</summary>
    public void MessageSent(long bytes)
    {
        lock (_lock)
        {
            _messages--;
            _bytes -= bytes;
            if (!HasRoom)
                return;
            _room?.Set();
            _room = null;
        }
    }

    /// <summary>Completes when there is room for another message.</summary>
    public Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (HasRoom)
                return Task.CompletedTask;
            _room ??= new Signal();
            return _room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Nothing more comes; what waits is still sent.</summary>
    public void Complete() => _items.Writer.TryComplete();
}

/// <summary>A message, or else a delivery.</summary>
internal readonly record struct OutboxItem(object? Message, Handover Handover, long Bytes);
