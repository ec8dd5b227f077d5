namespace Sequent.Bus.Storage.Sqlite;

/// <summary>A walk along a key's chain, as far as it has come.</summary>
internal sealed class Chain(ChainWalk walk)
{
    private readonly Queue<long> _positions = new();

    /// <summary>The event to look at next; before it are those that were looked at.</summary>
    public long Next { get; private set; } = walk.Last;

    /// <summary>There is nothing more to look at.</summary>
    public bool IsWhole => Next <= walk.After || (walk.Newest && _positions.Count == walk.Max);

    /// <summary>What was found, ascending.</summary>
    public IReadOnlyList<long> Positions => [.. _positions.Reverse()];

    /// <summary>Takes over the event looked at, and goes on to the one before it under its key.</summary>
    public void Add(long previous)
    {
        if (Next <= walk.Until)
            _positions.Enqueue(Next);
        if (_positions.Count > walk.Max)
            _positions.Dequeue();
        Next = previous;
    }
}
