using System.Diagnostics;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Many rows that are to be written, sorted, in slices inside the commits that follow: no commit is held up for long, and a table with random
/// keys is written rarely. They are sorted beside the commits.
/// </summary>
internal sealed class SlicedRound<T>
{
    /// <summary>A commit is held up at most so long by a slice.</summary>
    private static readonly TimeSpan SliceTime = TimeSpan.FromMilliseconds(5);

    /// <summary>Rows written between two looks at the clock.</summary>
    private const int RowsPerLook = 64;

    private readonly T[] _rows;
    private readonly Action<T> _write;
    private readonly Task _sorting;
    private int _written;

    public SlicedRound(T[] rows, Comparison<T> order, Action<T> write)
    {
        (_rows, _write) = (rows, write);
        _sorting = SortAsync(order);
    }

    /// <summary>Writes the next slice within the transaction that is open. Returns true once everything was written.</summary>
    public bool WriteSlice()
    {
        if (!_sorting.IsCompleted)
            return false;
        var start = Stopwatch.GetTimestamp();
        while (_written < _rows.Length && (_written % RowsPerLook != 0 || Stopwatch.GetElapsedTime(start) < SliceTime))
            _write(_rows[_written++]);
        return _written == _rows.Length;
    }

    private async Task SortAsync(Comparison<T> order)
    {
        await Task.Yield();
        Array.Sort(_rows, order);
    }
}
