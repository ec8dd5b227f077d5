using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>
/// What a client type takes, and took: an event is owed if its type is in the interest in force at its position, whoever judges it and
/// whenever. Kept down to the oldest debt.
/// </summary>
internal sealed class InterestHistory
{
    /// <summary>Changes that are kept. Beyond that the oldest two become one that takes what either took: then more is owed than has to be, and nothing less.</summary>
    private const int MaxChanges = 100;

    private readonly List<(long From, TypeFilter Filter)> _changes = [];

    public InterestHistory(IEnumerable<InterestChange> saved)
    {
        foreach (var change in saved)
            _changes.Add((change.From, TypeFilter.Of(change.EventTypes)));
    }

    /// <summary>What is in force now.</summary>
    public TypeFilter Current => _changes.Count == 0 ? TypeFilter.None : _changes[^1].Filter;

    /// <summary>For saving.</summary>
    public IReadOnlyList<InterestChange> Changes => _changes.ConvertAll(c => new InterestChange(c.From, c.Filter.Types));

    public bool TakesAt(long position, string eventType)
    {
        var index = _changes.FindLastIndex(c => c.From <= position);
        return index >= 0 && _changes[index].Filter.Takes(eventType);
    }

    /// <summary>From this position on another interest is in force. Returns false if it is the same.</summary>
    public bool Change(long from, TypeFilter filter)
    {
        if (_changes.Count > 0 && Current.Equals(filter))
            return false;
        if (_changes.Count > 0 && _changes[^1].From == from)
            _changes.RemoveAt(_changes.Count - 1);
        _changes.Add((from, filter));
        if (_changes.Count > MaxChanges)
        {
            _changes[0] = (_changes[0].From, TypeFilter.Union([_changes[0].Filter, _changes[1].Filter]));
            _changes.RemoveAt(1);
        }

        return true;
    }

    /// <summary>Everything from a position on is judged by what is in force now.</summary>
    public void StartOver(long from)
    {
        var current = Current;
        _changes.Clear();
        _changes.Add((from, current));
    }

    /// <summary>Nothing before this position will be judged again.</summary>
    public void Forget(long before)
    {
        while (_changes.Count > 1 && _changes[1].From <= before)
            _changes.RemoveAt(0);
    }
}
