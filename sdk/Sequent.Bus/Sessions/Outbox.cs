using System.Threading.Channels;
using Sequent.Bus.Delivering;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>
/// What a session has to send, in order. Deliveries wait here as positions, never as bodies: a v1 instance has no window, and may hold
/// any number. Everything else is bounded, because whoever produces it waits for room first.
/// </summary>
internal sealed class Outbox(ProtocolVersion version) : IDeliveryOutbox
{
    /// <summary>Messages other than deliveries that may wait before their producers do.</summary>
    private const int MaxMessages = 1_024;

    private readonly Channel<OutboxItem> _items = Channel.CreateUnbounded<OutboxItem>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _lock = new();
    private Signal? _room;
    private int _messages;

    /// <summary>Called when the socket has taken everything up to a delivery, should anybody want to know.</summary>
    public Func<long, ValueTask>? WhenDelivered { get; set; }

    public ChannelReader<OutboxItem> Reader => _items.Reader;

    /// <summary>Adds a message. Never blocks; <see cref="WaitForRoomAsync"/> is what bounds it.</summary>
    public void Post(object message)
    {
        lock (_lock)
            _messages++;
        _items.Writer.TryWrite(new OutboxItem(message, default));
    }

    public void Deliver(Handover handover) => _items.Writer.TryWrite(new OutboxItem(null, handover));

    public void Revoke(IReadOnlyList<long> deliveries)
    {
        // v1 knows no revocation: its sessions hold events until they end.
        if (version == ProtocolVersion.V2)
            Post(new RevokedMessage(deliveries));
    }

    /// <summary>A message has left.</summary>
    public void MessageSent()
    {
        lock (_lock)
        {
            _messages--;
            if (_messages >= MaxMessages)
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
            if (_messages < MaxMessages)
                return Task.CompletedTask;
            _room ??= new Signal();
            return _room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Nothing more comes; what waits is still sent.</summary>
    public void Complete() => _items.Writer.TryComplete();
}

/// <summary>A message, or else a delivery.</summary>
internal readonly record struct OutboxItem(object? Message, Handover Handover);
