using System.Threading.Channels;
using Sequent.Protocol;

namespace Sequent.Client.Connecting;

/// <summary>One request and its answers within one session.</summary>
internal sealed class Exchange : IDisposable
{
    private readonly Channel<BusMessage> _answers;
    private readonly Action<Exchange> _closed;

    public Exchange(string requestId, int maxAnswers, Action<Exchange> closed)
    {
        (RequestId, _closed) = (requestId, closed);
        _answers = Channel.CreateBounded<BusMessage>(new BoundedChannelOptions(maxAnswers) { SingleReader = true, SingleWriter = true });
    }

    public string RequestId { get; }

    /// <summary>The next answer, or null if the session ended before it.</summary>
    public async ValueTask<BusMessage?> ReadAsync(CancellationToken cancellationToken) =>
        await _answers.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && _answers.Reader.TryRead(out var answer) ? answer : null;

    /// <summary>False if the bus sent more answers than it had credit for.</summary>
    public bool TryAnswer(BusMessage answer) => _answers.Writer.TryWrite(answer);

    public void SessionEnded() => _answers.Writer.TryComplete();

    public void Dispose() => _closed(this);
}
