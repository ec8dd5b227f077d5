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
    /// <summary>Rows written together, between two looks at the clock; the last ones may be fewer.</summary>
    public const int RowsTogether = 64;

    /// <summary>A commit is held up about so long by a slice…</summary>
    private static readonly TimeSpan SliceTime = TimeSpan.FromMilliseconds(1);

    /// <summary>…or so long once half of the next round waits.</summary>
    private static readonly TimeSpan LongSliceTime = TimeSpan.FromMilliseconds(5);

    private readonly T[] _rows;
    private readonly WriteRows<T> _write;
    private readonly Task _sorting;
    private int _written;

    public SlicedRound(T[] rows, Comparison<T> order, WriteRows<T> write)
    {
        (_rows, _write) = (rows, write);

        // On a thread of its own: it takes a while, and the threads of the pool may all be waiting for the disk.
        try
        {
            _sorting = Task.Factory.StartNew(() => Array.Sort(_rows, order), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (TaskSchedulerException)
        {
            Array.Sort(_rows, order); // the system has no further thread
            _sorting = Task.CompletedTask;
        }
    }

    /// <summary>Writes the next slice within the transaction that is open. Returns true once everything was written.</summary>
    /// <param name="isLate">Half of the next round waits already.</param>
    public bool WriteSlice(bool isLate)
    {
        if (!_sorting.IsCompleted)
            return false;
        var start = Stopwatch.GetTimestamp();
        var time = isLate ? LongSliceTime : SliceTime;
        while (_written < _rows.Length && Stopwatch.GetElapsedTime(start) < time)
        {
            var count = Math.Min(RowsTogether, _rows.Length - _written);
            _write(_rows.AsSpan(_written, count));
            _written += count;
        }

        return _written == _rows.Length;
    }
}
