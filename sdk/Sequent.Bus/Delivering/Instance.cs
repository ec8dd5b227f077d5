namespace Sequent.Bus.Delivering;

/// <summary>A running copy of a service, as its client type's queue sees it.</summary>
/// <param name="outbox">Its session.</param>
/// <param name="takes">The event types it registered for.</param>
/// <param name="window">How many unacked deliveries it takes. A v1 instance is never full: <see cref="int.MaxValue"/>.</param>
/// <param name="windowPerKey">How many of one key.</param>
/// <param name="lastDelivery">The last delivery number its session has seen.</param>
internal sealed class Instance(IDeliveryOutbox outbox, TypeFilter takes, int window, int windowPerKey, long lastDelivery)
{
    private readonly Dictionary<long, Unsettled> _inFlight = [];
    private long _lowest = lastDelivery + 1;

    public IDeliveryOutbox Outbox { get; } = outbox;

    public TypeFilter Takes { get; set; } = takes;

    public int Window { get; set; } = window;

    public int WindowPerKey { get; set; } = windowPerKey;

    /// <summary>v1 sessions keep their keys for good; those of v2 give up idle ones.</summary>
    public bool KeepsIdleKeys => Window == int.MaxValue;

    public bool HasRoom => _inFlight.Count < Window;

    public long LastDelivery { get; private set; } = lastDelivery;

    /// <summary>The keys assigned to it.</summary>
    public HashSet<KeyLane> Lanes { get; } = [];

    /// <summary>Those of its keys that wait for room.</summary>
    public Queue<KeyLane> Waiting { get; } = new();

    public Handover Send(Unsettled e, bool redelivered)
    {
        e.Delivery = ++LastDelivery;
        _inFlight.Add(e.Delivery, e);
        return new Handover(e.Delivery, e.Position, e.Failures + 1, redelivered);
    }

    /// <summary>The event under this number if it is still this instance's, else null.</summary>
    public Unsettled? Find(long delivery) => _inFlight.GetValueOrDefault(delivery);

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

    /// <summary>The event is not in flight any more.</summary>
    public void Release(Unsettled e)
    {
        _inFlight.Remove(e.Delivery);
        e.Delivery = 0;
    }
}
