namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>The faults found so far: all are counted, the first ones kept.</summary>
internal sealed class Findings
{
    private const int MaxKept = 100;

    private readonly List<string> _kept = [];

    public long Count { get; private set; }

    public IReadOnlyList<string> Kept => _kept;

    public void Add(string fault)
    {
        Count++;
        if (_kept.Count < MaxKept)
            _kept.Add(fault);
    }
}
