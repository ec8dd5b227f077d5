namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The free space on the disk of the log. Publishing stops while there is still some, because delivery state, checkpoints and whoever tidies
/// up need a little.
/// </summary>
internal sealed class FreeSpace(string path, long marginBytes, TimeProvider time)
{
    /// <summary>A disk is looked at so often at most; in between a bus writes far less than the margin.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
    private readonly Lock _lock = new();
    private long? _lookedAt;
    private bool _isShort;

    public long MarginBytes { get; } = marginBytes;

    /// <summary>There is less free than the margin.</summary>
    public bool IsShort
    {
        get
        {
            lock (_lock)
            {
                if (_lookedAt is { } at && time.GetElapsedTime(at) < Interval)
                    return _isShort;
                _lookedAt = time.GetTimestamp();
                return _isShort = MarginBytes > 0 && IsBelowMargin();
            }
        }
    }

    private bool IsBelowMargin()
    {
        try
        {
            return new DriveInfo(_folder).AvailableFreeSpace < MarginBytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A disk that does not tell is not held against it; a full one still fails the append.
            return false;
        }
    }
}
