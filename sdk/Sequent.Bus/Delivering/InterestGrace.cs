namespace Sequent.Bus.Delivering;

/// <summary>
/// What sessions that are gone took: their client type goes on taking it for a while, so that a restarted instance misses nothing. The
/// while runs only as long as another instance is live, because until then nothing is judged.
/// </summary>
/// <param name="graceMicros">How long, in microseconds.</param>
internal sealed class InterestGrace(long graceMicros)
{
    private readonly List<(TypeFilter Filter, long EndsAt)> _gone = [];

    // Counts only while somebody is live.
    private long _lived;

    public IEnumerable<TypeFilter> Filters => _gone.Select(g => g.Filter);

    /// <summary>How long until the next one ends, in microseconds, or null.</summary>
    public long? EndsIn => _gone.Count == 0 ? null : _gone.Min(g => g.EndsAt) - _lived;

    /// <summary>Somebody who took this is gone.</summary>
    public void Add(TypeFilter filter)
    {
        _gone.RemoveAll(g => g.Filter.Equals(filter));
        if (!filter.Equals(TypeFilter.None))
            _gone.Add((filter, _lived + graceMicros));
    }

    /// <summary>Somebody registered again and does not take any more what it took: that ends at once.</summary>
    public void Drop(TypeFilter former, TypeFilter now)
    {
        for (var i = 0; i < _gone.Count; i++)
            _gone[i] = (_gone[i].Filter.Without(former, now), _gone[i].EndsAt);
        _gone.RemoveAll(g => g.Filter.Equals(TypeFilter.None));
    }

    /// <summary>Time passed while somebody was live. Returns true if something ended.</summary>
    public bool Pass(long micros)
    {
        _lived += micros;
        return _gone.RemoveAll(g => g.EndsAt <= _lived) > 0;
    }
}
