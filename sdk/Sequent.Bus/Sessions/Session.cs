using System.Globalization;
using System.Net.WebSockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Publishing;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>
/// One WebSocket connection. Reads its messages one after the other and hands each to whoever is in charge; nothing here decides.
/// A bad message has no effect and is answered with <c>error</c>; only the peer, a broken socket or the bus's own stop end a session.
/// </summary>
internal sealed class Session : IDisposable
{
    /// <summary>Errors a v1 session is told per second; old clients log each of them.</summary>
    private const int MaxV1ErrorsPerSecond = 10;

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a v1 message that met a failing store is kept and tried again: its protocol has no answer for that.</summary>
    private static readonly TimeSpan KeepLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly WebSocket _socket;
    private readonly SessionStream? _stream;
    private readonly ProtocolVersion _version;
    private readonly Producer _producer;
    private readonly SequentBus _bus;
    private readonly SessionLog _log;
    private readonly Outbox _outbox;

    // Cancelled when nothing of the session may go on: the socket is torn down by it.
    private readonly CancellationTokenSource _ended = new();

    // Set when everything was sent and TCP is to end without a Close frame: the read that is under way is left behind.
    private readonly TaskCompletionSource _hungUp = new();
    private readonly SessionRegistration _registration;
    private readonly SessionQueries _queries;
    private readonly Action<PublishRequest, PublishResult> _answer;

    // What the Close frame of the bus says.
    private (WebSocketCloseStatus Status, string Reason) _goodbye = (WebSocketCloseStatus.EndpointUnavailable, ErrorCodes.ShuttingDown);
    private volatile bool _outcomeUnknown;
    private volatile bool _isStopping;

    // The peer said goodbye, or the bus did: whatever it was working on is not to blame.
    private volatile bool _isGoodbyeSaid;

    // Messages handed to the sequencer that have no answer yet.
    private int _unanswered;
    private bool _isEndingSoon;
    private ITimer? _closeTimer;
    private long _errorSecond;
    private int _errorsInSecond;

    public Session(WebSocket socket, SessionStream? stream, ProtocolVersion version, Producer producer, SequentBus bus, ILogger<Session> logger)
    {
        (_socket, _stream, _version, _producer, _bus, _log) = (socket, stream, version, producer, bus, new SessionLog(producer.SessionId, logger));
        _outbox = new Outbox(version);
        _answer = Answer;
        Id = producer.SessionId.ToString(CultureInfo.InvariantCulture);
        _registration = new SessionRegistration(_outbox, version, Id, bus.Deliveries, EndNow, _ended.Token);
        _queries = new SessionQueries(_outbox, bus.Log, bus.Pages, bus.Sequencer, bus.Store, bus.Limits, bus.Time, _log, _ended.Token);
    }

    /// <summary>The session's id, as v2 and operators know it.</summary>
    public string Id { get; }

    public string Sender => _producer.Sender;

    public ProtocolVersion Version => _version;

    /// <summary>The client type it takes part in, or null.</summary>
    public string? ClientType => _registration.ClientType;

    /// <summary>The bus is about to stop.</summary>
    public void AnnounceStop()
    {
        if (_version == ProtocolVersion.V2)
            _outbox.Post(new DrainingMessage());
    }

    /// <summary>An operator ends the session: what it holds is revoked and moves on.</summary>
    public async Task KickAsync()
    {
        _isGoodbyeSaid = true;
        await _registration.EndAsync(isLost: false);
        _goodbye = (WebSocketCloseStatus.PolicyViolation, "kicked by an operator");
        Stop();
    }

    /// <summary>Runs until the peer is gone or the bus stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        _log.Started(_producer.Sender, _version);
        if (_version == ProtocolVersion.V2)
            _outbox.Post(new HelloMessage(_bus.Version, _bus.Log.LogId, Id, _bus.Log.Head, _bus.Limits, (long)_bus.Options.KeepAlive.TotalMilliseconds));
        var sending = SendAsync();
        var reading = ReadToEndAsync();
        await using (stopping.Register(Stop))
            await Task.WhenAny(reading, _hungUp.Task);
        await EndAsync(sending);
    }

    public void Dispose()
    {
        _closeTimer?.Dispose();
        _ended.Dispose();
    }

    /// <summary>
    /// Reads until the peer is gone. What it sent before its end still counts: that the connection is being torn down is noticed here, by
    /// reading, and nowhere else.
    /// </summary>
    private async Task ReadToEndAsync()
    {
        try
        {
            await ReadAsync(_ended.Token);
        }
        catch (Exception e) when (IsBrokenSocket(e))
        {
            // An abrupt end is as good as a polite one.
            _log.Dropped(e.Message);
        }
        catch (Exception e)
        {
            _log.Failed(e);
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var frames = new FrameReader(_socket, _stream, _bus.Limits.MessageBytes);
        while (true)
        {
            await _outbox.WaitForRoomAsync(cancellationToken);
            if (_version == ProtocolVersion.V1)
                await _bus.Sequencer.WaitForStoreAsync(cancellationToken);
            var (kind, message) = await frames.ReadAsync(cancellationToken);
            if (kind == FrameKind.Closed)
            {
                _isGoodbyeSaid = true;
                return;
            }

            if (kind == FrameKind.TooLarge)
            {
                Refuse(new ProtocolException(ErrorCodes.MessageTooLarge, $"A message may have at most {_bus.Limits.MessageBytes} bytes."));
                if (_version == ProtocolVersion.V2)
                {
                    _goodbye = (WebSocketCloseStatus.MessageTooBig, ErrorCodes.MessageTooLarge);
                    _isGoodbyeSaid = true;
                    return;
                }

                continue;
            }

            await HandleAsync(message);
        }
    }

    private async Task HandleAsync(ReadOnlyMemory<byte> utf8)
    {
        _log.Received(utf8);
        var since = _bus.Time.GetTimestamp();
        while (!await TryHandleAsync(utf8))
        {
            if (_bus.Time.GetElapsedTime(since) >= KeepLimit)
            {
                EndWithoutAnswer();
                return;
            }

            await Task.Delay(RetryDelay, _bus.Time, _ended.Token);
        }
    }

    /// <summary>False if the store failed and the message is to be tried again.</summary>
    private async Task<bool> TryHandleAsync(ReadOnlyMemory<byte> utf8)
    {
        string? requestId = null;
        try
        {
            var message = ClientMessageReader.Read(utf8, _version);
            requestId = message.RequestId;
            await DispatchAsync(message, utf8.Length);
        }
        catch (ProtocolException fault)
        {
            Refuse(fault, requestId);
        }
        catch (StoreException) when (_version == ProtocolVersion.V1)
        {
            return false;
        }
        catch (StoreException fault)
        {
            Refuse(new ProtocolException(ErrorCodes.StoreUnavailable, fault.Message), requestId);
        }
        catch (ChannelClosedException)
        {
            Refuse(new ProtocolException(ErrorCodes.ShuttingDown, "The bus is stopping; nothing of this message was stored."), requestId);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A defect: it costs this message, not the session.
            _log.Failed(e);
            Refuse(new ProtocolException(ErrorCodes.Internal, "The bus failed on this message; its log tells why."), requestId);
        }

        return true;
    }

    private Task DispatchAsync(ClientMessage message, int bytes)
    {
        switch (message)
        {
            case NewMessage m: return PublishAsync(m, bytes);
            case RegisterMessage when _isStopping: throw new ProtocolException(ErrorCodes.ShuttingDown, "The session is being ended.");
            case RegisterMessage m: return _registration.RegisterAsync(m);
            case AckMessage m: return _registration.AckAsync(m);
            case EventAckMessage m: return _registration.AckAsync(m);
            case ExtendMessage m: return _registration.ExtendAsync(m);
            case UnregisterMessage m: return _registration.UnregisterAsync(m);
            case NackMessage m: return _registration.NackAsync(m);
            case QueryMessage m when _version == ProtocolVersion.V1: return _queries.RunV1Async(m);
            case SequenceMessage m: return _queries.AnswerSequenceAsync(m);
            case QueryMessage m: _queries.Start(m); break;
            case MoreMessage m: _queries.More(m); break;
            case CancelMessage m: _queries.Cancel(m); break;
            default: throw new InvalidOperationException($"{message.GetType().Name} is not handled.");
        }

        return Task.CompletedTask;
    }

    private async Task PublishAsync(NewMessage message, int bytes)
    {
        PublishLimits.Check(message, _bus.Limits);
        Interlocked.Increment(ref _unanswered);
        if (_isStopping)
        {
            Answered();
            throw new ProtocolException(ErrorCodes.ShuttingDown, "The bus is stopping; nothing of this message was stored. Send it again elsewhere or later.");
        }

        await _bus.Sequencer.SubmitAsync(new PublishRequest(message, _producer, _version, _answer) { FrameBytes = bytes, Span = BusTrace.Begin(message) }, _ended.Token);
    }

    /// <summary>Called by the sequencer, in the order of this session's requests.</summary>
    private void Answer(PublishRequest request, PublishResult result)
    {
        BusTrace.End(request, result);
        switch (result.Kind)
        {
            case PublishResultKind.Decided:
                _outbox.Post(DecidedPublish.Of(request, result), request.Bytes);
                break;
            case PublishResultKind.OutcomeUnknown:
                EndWithoutAnswer();
                break;
            case PublishResultKind.StoreUnavailable when _version == ProtocolVersion.V1:
                // Its message was tried for as long as it may be; without an answer the client must not think that it was taken.
                EndWithoutAnswer();
                break;
            default:
                Refuse(new ProtocolException(ErrorCodes.StoreUnavailable, "Nothing of this message was stored; send it again."), request.Message.RequestId);
                break;
        }

        Answered();
    }

    /// <summary>The session ends by the bus's own fault: the client has to ask again, and whatever it was working on is not to blame.</summary>
    private void EndWithoutAnswer()
    {
        _outcomeUnknown = _isGoodbyeSaid = true;
        _outbox.Complete();
        EndSoon();
    }

    /// <summary>The last receipt of a session that stops is the last thing it sends.</summary>
    private void Answered()
    {
        if (Interlocked.Decrement(ref _unanswered) == 0 && _isStopping)
            _outbox.Complete();
    }

    private void Refuse(ProtocolException fault, string? requestId = null)
    {
        _log.Refused(fault);
        if (_version == ProtocolVersion.V1 && !MayTellV1())
            return;
        _outbox.Post(new ErrorMessage(fault.Code, fault.Message) { Path = fault.Path, RequestId = fault.RequestId ?? requestId });
    }

    private bool MayTellV1()
    {
        var second = _bus.Time.GetUtcNow().ToUnixTimeSeconds();
        if (second != _errorSecond)
            (_errorSecond, _errorsInSecond) = (second, 0);
        if (++_errorsInSecond <= MaxV1ErrorsPerSecond)
            return true;
        BusMeter.ErrorsNotTold.Add(1);
        return false;
    }

    /// <summary>
    /// The bus stops: nothing new is taken, the receipts under way are waited for, what waits is sent, then the session ends. Reading goes on
    /// until the peer has answered, because cancelling a read would tear the socket down before the last receipts are out.
    /// </summary>
    private void Stop()
    {
        // One more than there are, so that exactly one of this and the last answer sees zero after the flag is set.
        Interlocked.Increment(ref _unanswered);
        _isStopping = true;
        Answered();
        EndSoon();
    }

    private async Task SendAsync()
    {
        await Task.Yield();
        try
        {
            await new SessionSender(_socket, _stream, _version, _outbox, _bus.Log, _bus.Time, _log).RunAsync(_ended.Token);

            // A v1 client that gets a Close frame may stay as a deaf process; it notices the end of TCP.
            // An outcome nobody knows is no polite end either: the client has to ask again under the same ids.
            if (!_outcomeUnknown && (_version == ProtocolVersion.V2 || _socket.State == WebSocketState.CloseReceived))
                await CloseAsync();
            else
                _hungUp.TrySetResult();
        }
        catch (Exception e)
        {
            // Whatever it was, a session that cannot send must not go on taking deliveries.
            if (IsBrokenSocket(e))
            {
                _log.Dropped(e.Message);
            }
            else
            {
                _log.Failed(e);
                _isGoodbyeSaid = true;
            }

            _ended.Cancel();
        }
    }

    private async Task EndAsync(Task sending)
    {
        // First of all the keys move on; everything else can wait for them.
        await _registration.EndAsync(isLost: !_isGoodbyeSaid && !_isStopping);
        _outbox.Complete();
        if (_socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived or WebSocketState.CloseSent))
            _ended.Cancel();
        EndSoon();
        await sending;
        if (!_hungUp.Task.IsCompleted)
            _ended.Cancel();
        await _queries.EndAsync();
        _log.Ended();
    }

    private static bool IsBrokenSocket(Exception e) => e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException;

    /// <summary>Whatever the peer or the store does, the session is over after a while.</summary>
    private void EndSoon()
    {
        if (Interlocked.Exchange(ref _isEndingSoon, true))
            return;
        _closeTimer = _bus.Time.CreateTimer(_ => EndNow(), null, CloseTimeout, Timeout.InfiniteTimeSpan);
    }

    private void EndNow()
    {
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    private async Task CloseAsync()
    {
        if (_socket.State == WebSocketState.CloseReceived)
            _goodbye = (WebSocketCloseStatus.NormalClosure, "");
        if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await _socket.CloseOutputAsync(_goodbye.Status, _goodbye.Reason, _ended.Token);
    }
}
