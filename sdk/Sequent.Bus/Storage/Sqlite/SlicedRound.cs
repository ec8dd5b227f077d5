using System.Diagnostics;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Writes rows within the transaction that is open.</summary>
internal delegate void WriteRows<T>(ReadOnlySpan<T> rows);

/// <summary>
/// Many rows that are to be written, sorted, in slices inside the commits that follow: no commit is held up for long, and a table with random
/// keys is written rarely. They are sorted beside the commits.
/// </summary>
internal sealed class SlicedRound<T>
{
    /// <summary>A commit is held up at most so long by a slice…</summary>
    private static readonly TimeSpan SliceTime = TimeSpan.FromMilliseconds(1);

    /// <summary>…or so long once the next round is due.</summary>
    private static readonly TimeSpan LongSliceTime = TimeSpan.FromMilliseconds(5);

    /// <summary>Rows written together, between two looks at the clock; the last ones may be fewer.</summary>
    public const int RowsPerLook = 64;

    private readonly T[] _rows;
    private readonly WriteRows<T> _write;
    private readonly Task _sorting;
    private int _written;

    public SlicedRound(T[] rows, Comparison<T> order, WriteRows<T> write)
    {
        (_rows, _write) = (rows, write);

        // On a thread of its own: it takes a while, and the threads of the pool may all be waiting for the disk.
        _sorting = Task.Factory.StartNew(() => Array.Sort(_rows, order), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Writes the next slice within the transaction that is open. Returns true once everything was written.</summary>
    /// <param name="isNextDue">More waits than this round should have left the time for.</param>
    public bool WriteSlice(bool isNextDue)
    {
        if (!_sorting.IsCompleted)
            return false;
        var start = Stopwatch.GetTimestamp();
        var time = isNextDue ? LongSliceTime : SliceTime;
        while (_written < _rows.Length && Stopwatch.GetElapsedTime(start) < time)
        {
            var count = Math.Min(RowsPerLook, _rows.Length - _written);
            _write(_rows.AsSpan(_written, count));
            _written += count;
        }

        return _written == _rows.Length;
    }
}
