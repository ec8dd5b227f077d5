using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting.Original;
using Sequent.Protocol;

namespace Sequent.Client.Connecting;

/// <summary>
/// One WebSocket from <c>hello</c> to its end: a loop that sends what others queue, and one that reads and hands on. It is never mended;
/// <see cref="Connection"/> makes a new one.
/// </summary>
internal sealed partial class Session : IDisposable
{
    /// <summary>Messages that may wait for the socket; whoever sends more waits.</summary>
    private const int MaxOutgoing = 1_024;

    /// <summary>A frame of the bus holds at most 1 MiB or one event, which may be as large as a message.</summary>
    private const int FrameBytes = 1024 * 1024;

    /// <summary>Whatever the bus allows, a longer message is a fault.</summary>
    private const long MaxBytes = 1L << 30;

    /// <summary>A buffer that grew beyond this for one large message is not kept.</summary>
    private const int KeptBufferBytes = 256 * 1024;

    private readonly WebSocket _socket;
    private readonly FrameReader _frames;
    private readonly Action<Session, BusMessage> _received;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _ended = new();

    // Not disposed of: the timer that cancels it may be at it that very moment, and it holds nothing.
    private readonly CancellationTokenSource _givenUp = new();
    private readonly OriginalSession? _original;
    private volatile bool _isGoodbyeSaid;
    private volatile string? _lastCancelled;
    private readonly ConcurrentDictionary<string, Exchange> _exchanges = new(StringComparer.Ordinal);
    private readonly Channel<Outgoing> _outgoing = Channel.CreateBounded<Outgoing>(new BoundedChannelOptions(MaxOutgoing) { SingleReader = true });

    /// <param name="socket">The connection.</param>
    /// <param name="frames">Its messages.</param>
    /// <param name="hello">What the bus said of itself; null: it speaks the original protocol and has said nothing.</param>
    /// <param name="received">Takes what no exchange waits for.</param>
    /// <param name="settings">What all connections have in common.</param>
    public Session(WebSocket socket, FrameReader frames, HelloMessage? hello, Action<Session, BusMessage> received, ConnectionSettings settings)
    {
        (_socket, _frames, _received, _time, _logger) = (socket, frames, received, settings.Time, settings.Loggers.CreateLogger<Session>());
        (Hello, Ended) = (hello ?? OriginalBus.Hello(), _ended.Token);
        if (hello is null)
        {
            // Its answers come in one piece, however long.
            _original = new OriginalSession(Dispatch, SendLater, GiveUp, settings.EventTypes, settings.Time);
            _frames.MaxBytes = (int)MaxBytes;
            return;
        }

        // An event gains fields on its way: sender, times, ids.
        // A receipt has more to say about an event than its publisher had, and several keys may be longer in the answer than in the question.
        _frames.MaxBytes = (int)Math.Min(MaxBytes, Math.Max(FrameBytes, hello.Limits.MessageBytes) * 16L);
    }

    public HelloMessage Hello { get; }

    public string LogId => Hello.LogId;

    public BusInfo Bus => new(Hello.LogId, Hello.Position, Hello.Version) { IsOriginal = IsOriginal };

    /// <summary>The bus speaks the original protocol only.</summary>
    public bool IsOriginal => _original is not null;

    /// <summary>Why it is over, for people, as far as it is known.</summary>
    public string WhyEnded { get; private set; } = "this client has closed it";

    /// <summary>Cancelled when the session is over; by then <see cref="Connection.SessionAsync"/> waits for the next one.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Queues a message. False if the session has ended; true does not mean that it arrives.</summary>
    public async ValueTask<bool> TrySendAsync(ClientMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(new Outgoing(message, null), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ChannelClosedException)
        {
            return false;
        }
    }

    /// <summary>Sends a message. Completes when the socket has taken it: until then more may gather. False if the session has ended before it was queued.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SendAsync(ClientMessage message, Taken taken, CancellationToken cancellationToken)
    {
        taken.Reset();
        try
        {
            await _outgoing.Writer.WriteAsync(new Outgoing(message, taken), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            return false;
        }

        // Also when the session ends meanwhile.
        await taken.WaitAsync().ConfigureAwait(false);
        return true;
    }

    /// <summary>Queues a message that is not missed if it does not fit.</summary>
    public void Post(ClientMessage message) => _outgoing.Writer.TryWrite(new Outgoing(message, null));

    /// <summary>Tells the bus that nobody reads the further pages of a query. What is on its way is dropped.</summary>
    public void Cancel(string requestId)
    {
        if (_lastCancelled != requestId && _outgoing.Writer.TryWrite(new Outgoing(new CancelMessage(requestId), null)))
            _lastCancelled = requestId;
    }

    /// <summary>Prepares for the answers of a request, before it is sent.</summary>
    public Exchange Open(string requestId, int maxAnswers)
    {
        var exchange = new Exchange(requestId, maxAnswers, closed => _exchanges.TryRemove(closed.RequestId, out _));
        _exchanges[requestId] = exchange;
        if (Ended.IsCancellationRequested)
            exchange.SessionEnded();
        return exchange;
    }

    /// <summary>Takes no further messages; sends what waits, then says goodbye.</summary>
    public void Complete() => _outgoing.Writer.TryComplete();

    /// <summary>Runs until the bus is gone, or said goodbye, or <see cref="Complete"/> has taken effect. Never throws.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(stop, _givenUp.Token);
        var receiving = GuardAsync(ReceiveAsync(abort.Token));
        var sending = GuardAsync(SendAsync(abort.Token));
        await Task.WhenAny(receiving, sending).ConfigureAwait(false);
        if (IsOriginal)
            _socket.Abort(); // what waited is sent; after a Close frame the original bus would go on taking the connection for alive
        else if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await CloseAsync(receiving).ConfigureAwait(false);
        _outgoing.Writer.TryComplete();
        await abort.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(receiving, sending).ConfigureAwait(false);
        while (_outgoing.Reader.TryRead(out var unsent))
            unsent.Taken?.Set();
    }

    /// <summary>Tells everybody that the session is over.</summary>
    public async Task EndAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        foreach (var exchange in _exchanges.Values)
            exchange.SessionEnded();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _original?.Dispose();
        _ended.Dispose();
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        var frame = new ArrayBufferWriter<byte>(4096);

        // The channel is completed when the session is over.
        await foreach (var (message, taken) in _outgoing.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                if (_original is null)
                {
                    ClientMessageWriter.Write(message, frame);
                    frame = await SendAsync(message, frame, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                foreach (var translated in _original.Translate(message))
                {
                    V1ClientMessageWriter.Write(translated, frame);
                    frame = await SendAsync(translated, frame, cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                taken?.Set();
            }
        }
    }

    /// <returns>A frame to write the next message into.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ArrayBufferWriter<byte>> SendAsync(ClientMessage message, ArrayBufferWriter<byte> frame, CancellationToken cancellationToken)
    {
        if (frame.WrittenCount > Hello.Limits.MessageBytes && Hello.Limits.MessageBytes > 0 && message is not EventAckMessage)
            RefuseTooLarge(message, frame.WrittenCount);
        else
            await _socket.SendAsync(frame.WrittenMemory, WebSocketMessageType.Text, true, cancellationToken).ConfigureAwait(false);
        if (frame.Capacity > KeptBufferBytes)
            return new ArrayBufferWriter<byte>(4096);
        frame.ResetWrittenCount();
        return frame;
    }

    private void GiveUp()
    {
        WhyEnded = "the bus has not answered a query";
        _givenUp.Cancel();
    }

    /// <summary>When the oldest event that an original bus has handed over and that is not settled was recorded; null: there is none, or it is another bus.</summary>
    public DateTimeOffset? OldestOfOriginal => _original?.OldestUnsettled;

    /// <summary>For the receiving loop, which must not wait.</summary>
    private void SendLater(ClientMessage message) => _ = TrySendAsync(message, CancellationToken.None).AsTask();

    /// <summary>The bus would end the session, and the next one when the message is sent again; so it is answered here, as the bus would.</summary>
    private void RefuseTooLarge(ClientMessage message, int bytes)
    {
        _original?.NotSent(message);
        Dispatch(new ErrorMessage(ErrorCodes.MessageTooLarge, $"The message has {bytes} bytes; the bus takes at most {Hello.Limits.MessageBytes}.") { RequestId = message.RequestId });
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (await _frames.ReadAsync(cancellationToken).ConfigureAwait(false) is { } utf8)
        {
            if (BusMessageReader.Read(utf8) is not { } message)
                continue;
            if (_original is null)
            {
                Dispatch(message);
                continue;
            }

            _original.Receive(message, utf8);
            await _original.WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        }

        // An answer to this client's own goodbye is no reason.
        if (_socket.State == WebSocketState.CloseReceived)
            WhyEnded = $"the bus said goodbye ({_socket.CloseStatusDescription ?? _socket.CloseStatus?.ToString()})";
    }

    private void Dispatch(BusMessage message)
    {
        if (message is DrainingMessage)
            LogDraining(Hello.SessionId);
        var requestId = message switch
        {
            RebuildMessage m => m.RequestId,
            CaughtUpMessage m => m.RequestId,
            SequencesMessage m => m.RequestId,
            ErrorMessage m => m.RequestId,
            _ => null,
        };
        if (requestId is null || !_exchanges.TryGetValue(requestId, out var exchange))
        {
            // Nobody reads it any more; that the bus was told so may have been lost when too much waited for the socket.
            if (message is RebuildMessage { Last: false })
                Cancel(requestId!);
            else
                _received(this, message);
        }
        else if (!exchange.TryAnswer(message))
            throw new ProtocolException(ErrorCodes.InvalidMessage, $"The bus sent more answers to '{requestId}' than it had credit for.") { RequestId = requestId };
    }

    private async Task CloseAsync(Task receiving)
    {
        _isGoodbyeSaid = true;
        try
        {
            using var limit = new CancellationTokenSource(ConnectionSettings.CloseTimeout, _time);
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token).ConfigureAwait(false);
            await receiving.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            LogDropped(Hello.SessionId, e.Message);
        }
    }

    /// <param name="Message">The message.</param>
    /// <param name="Taken">Completes when the socket has taken it, should anybody wait for that.</param>
    private readonly record struct Outgoing(ClientMessage Message, Taken? Taken);

    private async Task GuardAsync(Task loop)
    {
        try
        {
            await loop.ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            if (e is not OperationCanceledException && !_isGoodbyeSaid)
                WhyEnded = e.Message;
            LogDropped(Hello.SessionId, e.Message);
        }
        catch (Exception e)
        {
            // What cannot be understood cannot be answered either; the next session starts clean.
            WhyEnded = "of a fault that is logged before";
            LogFaulted(Hello.SessionId, e);
        }
    }
}
