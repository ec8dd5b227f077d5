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
    private readonly Queue<StoredEvent> _order = new();
    private readonly Dictionary<long, StoredEvent> _byPosition = [];
    private long _bytes;

    public void Add(IReadOnlyList<StoredEvent> events)
    {
        lock (_lock)
        {
            foreach (var e in events)
            {
                _order.Enqueue(e);
                _byPosition.Add(e.Position, e);
                _bytes += e.ApproximateSize;
            }

            while (_bytes > maxBytes && _order.TryDequeue(out var oldest))
            {
                _byPosition.Remove(oldest.Position);
                _bytes -= oldest.ApproximateSize;
            }
        }
    }

    /// <summary>The event at this position, or null if it is not recent.</summary>
    public StoredEvent? Find(long position)
    {
        lock (_lock)
            return _byPosition.GetValueOrDefault(position);
    }

    /// <summary>The events right after a position, as many as fit the limits, but at least one; null if the first of them is not recent.</summary>
    public IReadOnlyList<StoredEvent>? ReadAfter(long after, long until, int max, int maxBytes)
    {
        lock (_lock)
        {
            if (!_byPosition.ContainsKey(after + 1))
                return null;
            var events = new List<StoredEvent>((int)Math.Min(max, until - after));
            var bytes = 0L;
            for (var position = after + 1; position <= until && events.Count < max && _byPosition.TryGetValue(position, out var e); position++)
            {
                bytes += e.Data.Length;
                if (bytes > maxBytes && events.Count > 0)
                    break;
                events.Add(e);
            }

            return events;
        }
    }
}
