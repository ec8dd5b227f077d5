namespace Sequent.Bus.Delivering;

/// <summary>A running copy of a service, as its client type's queue sees it.</summary>
/// <param name="outbox">Its session.</param>
/// <param name="takes">The event types it registered for.</param>
/// <param name="window">How many unacked deliveries it takes. A v1 instance has none: <see cref="int.MaxValue"/>.</param>
/// <param name="windowPerKey">How many of one key.</param>
/// <param name="lastDelivery">The last delivery number its session has seen.</param>
internal sealed class Instance(IDeliveryOutbox outbox, TypeFilter takes, int window, int windowPerKey, long lastDelivery)
{
    private readonly Dictionary<long, Unsettled> _inFlight = [];

    // v1 acks name key and value; nobody else pays for this.
    private readonly Dictionary<(KeyLane Lane, uint Value), Unsettled>? _byValue = window == int.MaxValue ? [] : null;
    private long _lowest = lastDelivery + 1;

    /// <summary>The session's id, for people.</summary>
    public string SessionId { get; init; } = "";

    /// <summary>The name it registered under, for people.</summary>
    public string? Name { get; init; }

    public IDeliveryOutbox Outbox { get; } = outbox;

    public TypeFilter Takes { get; set; } = takes;

    public int Window { get; set; } = window;

    public int WindowPerKey { get; set; } = windowPerKey;

    /// <summary>v1 sessions have no window, keep their keys for good, and nothing of theirs expires.</summary>
    public bool IsV1 => _byValue is not null;

    /// <summary>It sent an ack at least once.</summary>
    public bool HasAcked { get; set; }

    /// <summary>It takes nothing new; called once nothing is in flight any more.</summary>
    public Action? Drained { get; set; }

    public int InFlight => _inFlight.Count;

    /// <summary>The socket has taken everything up to this delivery. Told for v1 sessions only.</summary>
    public long LastSent { get; set; } = lastDelivery;

    /// <summary>A v1 instance is full only while its socket is.</summary>
    public bool HasRoom => IsV1 ? LastDelivery - LastSent < MaxUnsent : _inFlight.Count < Window;

    /// <summary>Deliveries a v1 session may have that its socket has not taken yet.</summary>
    public int MaxUnsent { get; set; } = int.MaxValue;

    public long LastDelivery { get; private set; } = lastDelivery;

    /// <summary>The keys assigned to it.</summary>
    public HashSet<KeyLane> Lanes { get; } = [];

    /// <summary>Those of its keys that wait for room.</summary>
    public Queue<KeyLane> Waiting { get; } = new();

    public Handover Send(Unsettled e, bool redelivered)
    {
        e.Delivery = ++LastDelivery;
        _inFlight.Add(e.Delivery, e);
        _byValue?.TryAdd((e.Lane, e.Value), e);
        return new Handover(e.Delivery, e.Position, e.Failures + 1, redelivered, e.IsRedriven);
    }

    /// <summary>The event under this number if it is still this instance's, else null.</summary>
    public Unsettled? Find(long delivery) => _inFlight.GetValueOrDefault(delivery);

    /// <summary>v1: the event of a key and value if it is still this instance's, else null.</summary>
    public Unsettled? Find(KeyLane lane, uint value) => _byValue?.GetValueOrDefault((lane, value));

    /// <summary>Everything unacked up to a number, in order. Each number is looked at once in the life of the instance.</summary>
    public List<Unsettled> FindUpTo(long delivery)
    {
        var found = new List<Unsettled>();
        for (; _lowest <= delivery; _lowest++)
        {
            if (Find(_lowest) is { } e)
                found.Add(e);
        }

        return found;
    }

    /// <summary>The one in flight that was sent first, or null.</summary>
    public Unsettled? Oldest()
    {
        while (_lowest <= LastDelivery && !_inFlight.ContainsKey(_lowest))
            _lowest++;
        return Find(_lowest);
    }

    /// <summary>The event is not in flight any more.</summary>
    public void Release(Unsettled e)
    {
        _inFlight.Remove(e.Delivery);
        _byValue?.Remove((e.Lane, e.Value));
        e.Delivery = 0;
    }
}
