using System.Threading.Channels;
using Sequent.Client.Connecting;
using Sequent.Client.Connecting.Original;
using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client.Subscribing;

/// <summary>
/// What one session was handed and has not settled. Deliveries are numbered per session, so everything here ends with it. A nack takes effect
/// at once: the later deliveries of its key are revoked here already, and those on their way until the bus has confirmed it, so that nobody
/// works on an event before the one that failed.
/// </summary>
internal sealed class SessionDeliveries(Session session, EventMapper mapper)
{
    /// <summary>Acks that may wait to be sent: as many as the largest window, so there is always room.</summary>
    private const int MaxAcks = 65_536;

    /// <summary>A number, and what stands around it.</summary>
    private const int NumberBytes = 20;

    /// <summary>Deliveries named in one message: what the bus takes at once is limited.</summary>
    private readonly int _numbersPerMessage = session.Hello.Limits.MessageBytes is > 0 and var bytes ? (int)Math.Clamp((bytes / NumberBytes) - 10, 1, 1_000) : 1_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Delivery> _unsettled = [];
    private TaskCompletionSource? _settled;
    private bool _isEnded;
    private readonly Dictionary<string, long> _nackedKeys = new(StringComparer.Ordinal);
    private readonly Channel<long> _acks = Channel.CreateBounded<long>(new BoundedChannelOptions(MaxAcks) { SingleReader = true });

    public bool IsOriginal => session.IsOriginal;

    /// <summary>The log the deliveries are of.</summary>
    public string LogId => session.LogId;

    /// <summary>When the oldest event that is not settled was recorded; null: all are.</summary>
    public DateTimeOffset? OldestUnsettled
    {
        get
        {
            if (IsOriginal)
                return session.OldestOfOriginal;
            lock (_lock)
                return _unsettled.Count == 0 ? null : _unsettled.Values.Min(d => d.Event.Time);
        }
    }

    /// <summary>Takes a delivery over; null if it is revoked already, because an earlier one of its key was nacked.</summary>
    public Delivery? Take(DeliveredEvent delivered)
    {
        var delivery = new Delivery(delivered, mapper.ToRecorded(delivered.Event), this, new CancellationTokenSource());
        lock (_lock)
        {
            if (_isEnded || _nackedKeys.ContainsKey(delivered.Event.Key))
                return null;
            _unsettled.Add(delivered.Delivery, delivery);
            return delivery;
        }
    }

    /// <summary>The bus has taken deliveries back. The last ones first: whoever notices that one is lost must not find a later one of its key that is not, and work on that.</summary>
    public void Revoke(IReadOnlyList<long> numbers)
    {
        lock (_lock)
        {
            foreach (var number in numbers.OrderDescending())
            {
                if (_unsettled.Remove(number, out var delivery))
                    delivery.Revoke();
            }

            NoteSettled();
            foreach (var (key, nacked) in _nackedKeys)
            {
                if (numbers.Contains(nacked))
                    _nackedKeys.Remove(key);
            }
        }
    }

    public void Ack(Delivery delivery, CancellationToken cancellationToken)
    {
        // Before anything changes: an ack that was cancelled may be tried again.
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (!_unsettled.Remove(delivery.Number))
                return;

            // There is always room; if the session is over, the event comes again.
            _acks.Writer.TryWrite(delivery.Number);
            NoteSettled();
        }
    }

    public async ValueTask NackAsync(Delivery delivery, NackMessage message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsOriginal && message.DeadLetter)
            throw OriginalBus.Refusal("A dead letter");
        lock (_lock)
        {
            if (!_unsettled.ContainsKey(delivery.Number))
                return;
            _nackedKeys[delivery.Event.Key] = delivery.Number;
            foreach (var (number, other) in _unsettled.OrderByDescending(u => u.Key))
            {
                if (number >= delivery.Number && other.Event.Key == delivery.Event.Key)
                {
                    _unsettled.Remove(number);
                    other.Revoke();
                }
            }

            NoteSettled();
        }

        // Not cancellable any more: the key stands still here until the bus has confirmed.
        await session.TrySendAsync(message, CancellationToken.None).ConfigureAwait(false);
    }

    public async ValueTask ExtendAsync(Delivery delivery, long ms, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_unsettled.ContainsKey(delivery.Number))
                return;
        }

        await session.TrySendAsync(new ExtendMessage([delivery.Number], ms), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ExtendTakenAsync(long ms, CancellationToken cancellationToken)
    {
        long[] taken;
        lock (_lock)
            taken = [.. _unsettled.Values.Where(d => d.IsTaken).Select(d => d.Number)];
        foreach (var some in taken.Chunk(_numbersPerMessage))
            await session.TrySendAsync(new ExtendMessage(some, ms), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes when nothing that was handed to somebody is unsettled.</summary>
    public Task WhenTakenAreSettled()
    {
        lock (_lock)
        {
            _settled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            NoteSettled();
            return _settled.Task;
        }
    }

    private void NoteSettled()
    {
        if (_settled is not null && !_unsettled.Values.Any(d => d.IsTaken))
            _settled.TrySetResult();
    }

    /// <summary>Sends acks, as many in one message as are waiting, until <see cref="CompleteAcks"/> or the session's end.</summary>
    public async Task SendAcksAsync(CancellationToken cancellationToken)
    {
        var numbers = new List<long>();
        while (await _acks.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (numbers.Count < _numbersPerMessage && _acks.Reader.TryRead(out var number))
                numbers.Add(number);
            await session.TrySendAsync(new AckMessage { Deliveries = [.. numbers] }, cancellationToken).ConfigureAwait(false);
            numbers.Clear();
        }
    }

    /// <summary>No further acks are taken; those that wait are still sent.</summary>
    public void CompleteAcks() => _acks.Writer.TryComplete();

    /// <summary>The session is over: nothing of it can be settled any more.</summary>
    public void End()
    {
        CompleteAcks();
        lock (_lock)
        {
            _isEnded = true;
            foreach (var delivery in _unsettled.Values.OrderByDescending(d => d.Number))
                delivery.Revoke();
            _unsettled.Clear();
            NoteSettled();
        }
    }
}
