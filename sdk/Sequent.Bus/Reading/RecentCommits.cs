using Sequent.Bus.Storage;

namespace Sequent.Bus.Reading;

/// <summary>
/// The last commits as shared immutable events, so that whoever is nearly up to date never asks the store. Bounded by bytes; whoever
/// lags further is fed from the store.
/// </summary>
internal sealed class RecentCommits(long maxBytes)
{
    // Held for an index calculation and a copy of references; a loop of its own would cost more than it saves.
    private readonly Lock _lock = new();

    // A ring. Positions have no gaps, so a place in it follows from the position.
    private StoredEvent?[] _ring = new StoredEvent?[1_024];
    private long _first = 1;
    private int _count;
    private long _bytes;

    public void Add(IReadOnlyList<StoredEvent> events)
    {
        lock (_lock)
        {
            foreach (var e in events)
                Add(e);
            while (_bytes > maxBytes && _count > 0)
                DropFirst();
        }
    }

    public bool Contains(long position)
    {
        lock (_lock)
            return At(position) is not null;
    }

    /// <summary>The events at these positions, as far as they are recent, up to the first one that is not.</summary>
    public List<StoredEvent> FindAll(IReadOnlyList<long> positions)
    {
        var events = new List<StoredEvent>(positions.Count);
        lock (_lock)
        {
            for (var i = 0; i < positions.Count && At(positions[i]) is { } e; i++)
                events.Add(e);
        }

        return events;
    }

    /// <summary>The events right after a position, as many as fit the limits, but at least one; null if the first of them is not recent.</summary>
    public IReadOnlyList<StoredEvent>? ReadAfter(long after, long until, int max, int maxBytes)
    {
        lock (_lock)
        {
            if (At(after + 1) is null)
                return null;
            var events = new List<StoredEvent>((int)Math.Min(max, until - after));
            var bytes = 0L;
            for (var position = after + 1; position <= until && events.Count < max && At(position) is { } e; position++)
            {
                bytes += e.Data.Length;
                if (bytes > maxBytes && events.Count > 0)
                    break;
                events.Add(e);
            }

            return events;
        }
    }

    private StoredEvent? At(long position) => position >= _first && position < _first + _count ? Place(_ring, position) : null;

    // Its length is a power of two.
    private static ref StoredEvent? Place(StoredEvent?[] ring, long position) => ref ring[(int)(position & (ring.Length - 1))];

    private void Add(StoredEvent e)
    {
        if (_count == 0)
            _first = e.Position;
        if (_count == _ring.Length)
            Grow();
        Place(_ring, e.Position) = e;
        _count++;
        _bytes += e.ApproximateSize;
    }

    private void DropFirst()
    {
        ref var oldest = ref Place(_ring, _first);
        _bytes -= oldest!.ApproximateSize;
        oldest = null;
        _first++;
        _count--;
    }

    private void Grow()
    {
        var larger = new StoredEvent?[_ring.Length * 2];
        for (var position = _first; position < _first + _count; position++)
            Place(larger, position) = Place(_ring, position);
        _ring = larger;
    }
}
