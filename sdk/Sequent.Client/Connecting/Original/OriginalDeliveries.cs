using Sequent.Protocol;

namespace Sequent.Client.Connecting.Original;

/// <summary>
/// Numbers what the bus hands over, and sends events back as acks. The original bus never takes an event back, so a nack has its effect here: the event
/// and the later ones of its key come again after the same back-off as from Sequent, without end, because there are no dead letters.
/// </summary>
internal sealed class OriginalDeliveries(Action<BusMessage> dispatch, TimeProvider time) : IDisposable
{
    /// <summary>With so many unsettled nothing more is read: the bus has no window of its own.</summary>
    private const int MaxUnsettled = 65_536;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, Held> _unsettled = [];

    // Keys that pause after a nack, with what comes again, in order.
    private readonly Dictionary<string, List<Held>> _paused = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _ended = new();
    private TaskCompletionSource? _room;
    private long _number;
    private int _count;

    public DateTimeOffset? Oldest
    {
        get
        {
            lock (_lock)
                return _unsettled.Values.Concat(_paused.Values.SelectMany(p => p)).Select(h => (DateTimeOffset?)h.Event.Time).Min();
        }
    }

    public void Receive(WireEvent e, ReadOnlyMemory<byte> utf8)
    {
        var held = new Held(e, utf8);
        lock (_lock)
        {
            _count++;
            if (_paused.TryGetValue(e.Key, out var later))
                later.Add(held);
            else
                HandOut([held]);
        }
    }

    public async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (_count < MaxUnsettled)
                    return;
                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
            }

            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public IEnumerable<ClientMessage> Ack(AckMessage message)
    {
        var acks = new List<EventAckMessage>();
        lock (_lock)
        {
            foreach (var number in message.Deliveries ?? [])
            {
                if (!_unsettled.Remove(number, out var held))
                    continue;
                _count--;
                acks.Add(new EventAckMessage(held.Event.Key, held.Event.Value) { Event = held.Utf8 });
            }

            _room?.TrySetResult();
            _room = null;
        }

        return acks;
    }

    public void Nack(NackMessage message)
    {
        lock (_lock)
        {
            if (!_unsettled.TryGetValue(message.Delivery, out var named))
                return;
            var failed = _unsettled[message.Delivery] = named with { Failures = named.Failures + 1 };
            long[] revoked = [.. _unsettled.Where(u => u.Key >= message.Delivery && u.Value.Event.Key == failed.Event.Key).Select(u => u.Key)];
            var again = new List<Held>(revoked.Length);
            foreach (var number in revoked)
            {
                _unsettled.Remove(number, out var held);
                again.Add(held!);
            }

            // A later nack of the key names something that is before all of it.
            if (_paused.TryGetValue(failed.Event.Key, out var later))
                later.InsertRange(0, again);
            else
                _paused.Add(failed.Event.Key, again);
            dispatch(new RevokedMessage(revoked));
            _ = HandOutLaterAsync(failed.Event.Key, message.DelayMs is { } ms ? TimeSpan.FromMilliseconds(ms) : PauseAfter(failed.Failures), _ended.Token);
        }
    }

    public void Dispose()
    {
        _ended.Cancel();
        _ended.Dispose();
    }

    private static TimeSpan PauseAfter(int failures) =>
        TimeSpan.FromMilliseconds(Math.Min(FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 20)), MaxPause.TotalMilliseconds));

    private async Task HandOutLaterAsync(string key, TimeSpan pause, CancellationToken ended)
    {
        await Task.Delay(pause, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            if (!ended.IsCancellationRequested && _paused.Remove(key, out var again))
                HandOut(again);
        }
    }

    // Within the lock, so that nothing of a key overtakes what comes again.
    private void HandOut(IReadOnlyList<Held> events)
    {
        var delivered = new List<DeliveredEvent>(events.Count);
        foreach (var held in events)
        {
            _unsettled.Add(++_number, held);

            // The original bus does not say whether somebody had it before.
            delivered.Add(new DeliveredEvent(held.Event, _number, held.Failures + 1, Redelivered: true));
        }

        dispatch(new EventsMessage(delivered));
    }

    /// <param name="Event">The event.</param>
    /// <param name="Utf8">As it came.</param>
    private sealed record Held(WireEvent Event, ReadOnlyMemory<byte> Utf8)
    {
        public int Failures { get; init; }
    }
}
