namespace Sequent.Bus.Tests.Simulation;

/// <summary>What happened: the end of it in words, all of it as a number that two runs of one seed have in common.</summary>
internal sealed class Trace
{
    private const int Kept = 300;

    private readonly Queue<string> _lines = new();

    public ulong Hash { get; private set; } = 14695981039346656037;

    public void Note(string line)
    {
        foreach (var c in line)
            Hash = (Hash ^ c) * 1099511628211;
        _lines.Enqueue(line);
        if (_lines.Count > Kept)
            _lines.Dequeue();
    }

    public override string ToString() => string.Join('\n', _lines);
}
