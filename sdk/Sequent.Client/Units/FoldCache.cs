namespace Sequent.Client.Units;

/// <summary>A state as of one event.</summary>
/// <param name="State">The state.</param>
/// <param name="LastValue">The value of the last event in it; null before the first.</param>
/// <param name="Position">The position of that event; 0 before the first.</param>
internal sealed record Fold(object State, uint? LastValue, long Position);

/// <summary>
/// The folds used last, so that only events after them have to be read. It saves re-reading, never the asking. All of them belong to one
/// log; what comes from another one empties the cache.
/// </summary>
internal sealed class FoldCache(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Key, Type State), LinkedListNode<Entry>> _byKey = [];
    private readonly LinkedList<Entry> _byUse = new();
    private string? _logId;

    /// <summary>The fold of a key, if it is kept, and the log it belongs to.</summary>
    public (Fold? Fold, string? LogId) Find(string key, Type state)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue((key, state), out var node))
                return (null, null);
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return (node.Value.Fold, _logId);
        }
    }

    /// <summary>Keeps a fold, unless a later one is kept already.</summary>
    public void Keep(string logId, string key, Type state, Fold fold)
    {
        // Without a position nobody could ask for what comes after it.
        if (capacity == 0 || fold.Position == 0)
            return;
        lock (_lock)
        {
            if (_logId != logId)
                Clear();
            _logId = logId;
            if (_byKey.TryGetValue((key, state), out var node))
            {
                if (node.Value.Fold.Position < fold.Position)
                    node.Value = node.Value with { Fold = fold };
                return;
            }

            if (_byKey.Count >= capacity)
            {
                var oldest = _byUse.Last!;
                _byUse.RemoveLast();
                _byKey.Remove((oldest.Value.Key, oldest.Value.State));
            }

            _byKey.Add((key, state), _byUse.AddFirst(new Entry(key, state, fold)));
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _byKey.Clear();
            _byUse.Clear();
            _logId = null;
        }
    }

    private readonly record struct Entry(string Key, Type State, Fold Fold);
}
