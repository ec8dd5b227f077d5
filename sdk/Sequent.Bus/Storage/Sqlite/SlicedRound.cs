using System.Diagnostics;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// Many rows that are to be written, sorted, in slices inside the commits that follow: no commit is held up for long, and a table with random
/// keys is written rarely.
/// </summary>
internal sealed class SlicedRound<T>(T[] rows, Action<T> write)
{
    /// <summary>A commit is held up at most so long by a slice.</summary>
    private static readonly TimeSpan SliceTime = TimeSpan.FromMilliseconds(5);

    /// <summary>Rows written between two looks at the clock.</summary>
    private const int RowsPerLook = 64;

    private int _written;

    /// <summary>Writes the next slice within the transaction that is open. Returns true once everything was written.</summary>
    public bool WriteSlice()
    {
        var start = Stopwatch.GetTimestamp();
        while (_written < rows.Length && (_written % RowsPerLook != 0 || Stopwatch.GetElapsedTime(start) < SliceTime))
            write(rows[_written++]);
        return _written == rows.Length;
    }
}
