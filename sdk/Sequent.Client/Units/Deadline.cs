namespace Sequent.Client.Units;

/// <summary>A time limit that can start anew.</summary>
internal sealed class Deadline(TimeSpan limit, TimeProvider time) : IDisposable
{
    private CancellationTokenSource _source = new(limit, time);
    private long _started = time.GetTimestamp();

    /// <summary>Cancelled when the time is up.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Since it last started.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_started);

    public void Restart()
    {
        _source.Dispose();
        (_source, _started) = (new CancellationTokenSource(limit, time), time.GetTimestamp());
    }

    public void Dispose() => _source.Dispose();
}
