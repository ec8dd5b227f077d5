using System.Globalization;

namespace Sequent.Testing.Running;

/// <summary>How long a test waits, in real time, unless its own token ends the waiting before.</summary>
internal sealed class Limit : IDisposable
{
    private readonly TimeSpan _patience;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _either;

    public Limit(TimeSpan patience, CancellationToken caller)
    {
        (_patience, _caller) = (patience, caller);
        _time = new CancellationTokenSource(patience, TimeProvider.System);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_time.Token, caller);
    }

    public CancellationToken Token => _either.Token;

    /// <summary>The time is over, and not because the caller said so.</summary>
    public bool IsReached => _time.IsCancellationRequested && !_caller.IsCancellationRequested;

    public void Dispose()
    {
        _either.Dispose();
        _time.Dispose();
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_patience.TotalSeconds:0.###} s");
}
