namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Writes rows within the transaction that is open.</summary>
internal delegate void WriteRows<T>(ReadOnlySpan<T> rows);

/// <summary>
/// Many rows that are to be written, sorted, in slices inside the commits that follow: each commit writes as many as its own events call for, and a table
/// with random keys is written rarely. They are sorted beside the commits.
/// </summary>
internal sealed class SlicedRound<T>
{
    /// <summary>Rows written together; the last ones may be fewer.</summary>
    public const int RowsTogether = 64;

    /// <summary>
    /// So each event pays the same, whatever the commit, the disk and the clock; and once it is sorted a round takes half as many events as it has rows, so
    /// that it mostly ends before the next one is due.
    /// </summary>
    private const int RowsPerEvent = 2;

    /// <summary>So many events may come while the rows are sorted; then a commit waits for that.</summary>
    private const int MaxUnsortedEvents = 8_000;

    private readonly T[] _rows;
    private readonly WriteRows<T> _write;
    private readonly Task _sorting;
    private int _unsorted;
    private int _due;
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
    /// <param name="events">Events of this commit.</param>
    public bool WriteSlice(int events)
    {
        if (!_sorting.IsCompleted && (_unsorted += events) < MaxUnsortedEvents)
            return false;
        _sorting.Wait();
        for (_due += events * RowsPerEvent; _due >= RowsTogether && _written < _rows.Length; _due -= RowsTogether)
        {
            var count = Math.Min(RowsTogether, _rows.Length - _written);
            _write(_rows.AsSpan(_written, count));
            _written += count;
        }

        return _written == _rows.Length;
    }
}
