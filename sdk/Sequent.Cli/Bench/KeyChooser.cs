using System.Globalization;

namespace Sequent.Cli.Bench;

/// <summary>Chooses keys, all alike or a few much more often than the rest (Zipf). Safe for many threads.</summary>
internal sealed class KeyChooser
{
    private readonly string[] _keys;
    private readonly double[]? _cumulated;

    /// <param name="count">How many keys.</param>
    /// <param name="zipf">Zipf's exponent; 0: all alike.</param>
    /// <param name="prefix">What they begin with; null: a run has keys of its own, so that what an earlier one left in the log does not matter.</param>
    public KeyChooser(int count, double zipf, string? prefix = null)
    {
        prefix ??= $"bench-{Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..8]}";
        _keys = [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{prefix}-{i}"))];
        if (zipf <= 0)
            return;
        _cumulated = new double[count];
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            _cumulated[i] = sum += 1 / Math.Pow(i + 1, zipf);
    }

    public int Count => _keys.Length;

    public string this[int index] => _keys[index];

    public string Next() => _keys[NextIndex()];

    public int NextIndex()
    {
        if (_cumulated is null)
            return Random.Shared.Next(_keys.Length);
        var found = Array.BinarySearch(_cumulated, Random.Shared.NextDouble() * _cumulated[^1]);
        return Math.Min(found < 0 ? ~found : found, _keys.Length - 1);
    }
}
