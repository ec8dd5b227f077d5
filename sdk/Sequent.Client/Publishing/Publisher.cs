using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Client.Connecting.Original;
using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>
/// Sends what callers publish in the order they gave it, and holds each message until its receipt. One loop does the sending; what waits while a frame
/// is on its way to the socket goes out together. When a session is lost it first sends again, under the same ids and in the same order, what had no
/// receipt. So a publish is never lost, and stored at most once.
/// </summary>
internal sealed partial class Publisher : IAsyncDisposable
{
    /// <summary>How long receipts are waited for when the client is disposed.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private readonly Connection _connection;
    private readonly ClientTelemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<PendingPublish> _waiting;
    private readonly InFlight _inFlight;
    private readonly Lock _lock = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Taken _taken = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _running;
    private volatile bool _hasRefusals;
    private bool _closing;
    private int _callers;
    private int _failures;

    public Publisher(Connection connection, ClientTelemetry telemetry, int maxInFlight, TimeProvider time, ILogger<Publisher> logger)
    {
        (_connection, _telemetry, _time, _logger) = (connection, telemetry, time, logger);
        _waiting = Channel.CreateBounded<PendingPublish>(new BoundedChannelOptions(maxInFlight) { SingleReader = true });
        _inFlight = new InFlight(maxInFlight, Wake);
    }

    /// <summary>Sends events as often as it takes and returns their receipts.</summary>
    /// <param name="pending">The events, without a request id; they have ids.</param>
    /// <param name="timeout">How long to wait for the receipts, or null.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="LogChangedException">The bus has another log than they may go to.</exception>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent, and no receipt came in time or before the caller cancelled.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent in time.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled before it was sent.</exception>
    public ValueTask<PublishAnswer> SendAsync(PendingPublish pending, TimeSpan? timeout, CancellationToken cancellationToken) =>
        Instruments.IsSilent ? DeliverAsync(pending, timeout, cancellationToken) : ObserveAsync(pending, timeout, cancellationToken);

    private async ValueTask<PublishAnswer> ObserveAsync(PendingPublish pending, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using var publishing = _telemetry.Publish(pending.Message);
        try
        {
            var answer = await DeliverAsync(pending, timeout, cancellationToken).ConfigureAwait(false);
            _telemetry.Published(publishing, pending.Message, answer.Entries);
            return answer;
        }
        catch (Exception e) when (publishing.Fail(e))
        {
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<PublishAnswer> DeliverAsync(PendingPublish pending, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        Enter();
        pending.Trace();
        using var limit = timeout is { } time ? new CancellationTokenSource(time, _time) : null;
        using var either = limit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var ended = either?.Token ?? cancellationToken;
        try
        {
            await _waiting.Writer.WriteAsync(pending, ended).ConfigureAwait(false);
            Wake();
            return await pending.Task.WaitAsync(ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled)
        {
            if (pending.Task.IsCompleted)
                return await pending.Task.ConfigureAwait(false);

            // Cancelled before anything was sent is just that; afterwards its caller has to know that it may be stored.
            if (!_inFlight.Abandon(pending))
                cancellationToken.ThrowIfCancellationRequested();
            throw GiveUp(pending, cancellationToken.IsCancellationRequested ? "its caller cancelled before a receipt came." : $"no receipt came within {timeout!.Value.TotalSeconds:0.#} s.", cancelled);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SequentClient));
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>The bus does not store what it is sent at the moment.</summary>
    public bool IsRefused => Volatile.Read(ref _failures) > 0;

    /// <summary>Takes receipts, and errors about what was sent. False if the message is not about a publish.</summary>
    public bool TryReceive(BusMessage message)
    {
        switch (message)
        {
            case ReceiptMessage { RequestId: { } id } receipt:
                if (_inFlight.Remove(id) is { } answered)
                    Answer(answered, receipt);
                return true;
            case ErrorMessage { RequestId: { } id, Code: OriginalBus.NoReceipt } error:
                if (_inFlight.Remove(id) is { } unanswered)
                    FailUnknown(unanswered, error.Message);
                return true;
            case ErrorMessage { RequestId: { } id } error:
                // Of a query that nobody waits for any more there is nothing to say.
                if (id.StartsWith(Sending.IdPrefix))
                    Refused(id, error);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Takes nothing further, waits a little for receipts, and fails what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        Task? running;
        lock (_lock)
        {
            if (_closing)
                return;
            _closing = true;
            _waiting.Writer.TryComplete();
            running = _running;
            if (_callers == 0)
                _drained.TrySetResult();
        }

        if (running is not null)
        {
            await Task.WhenAny(_drained.Task, Task.Delay(DrainTimeout, _time, CancellationToken.None)).ConfigureAwait(false);
            await _stop.CancelAsync().ConfigureAwait(false);

            // A frame that the socket does not take ends with the connection.
            await _connection.DisposeAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closing, typeof(SequentClient));
            _callers++;
            _running ??= Detached.Run(RunAsync);
        }

        Instruments.InFlight.Add(1);
    }

    private void Leave()
    {
        Instruments.InFlight.Add(-1);
        lock (_lock)
        {
            if (--_callers == 0 && _closing)
                _drained.TrySetResult();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (_inFlight.HasAny || await _waiting.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                var session = await _connection.SessionAsync(_stop.Token).ConfigureAwait(false);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(session.Ended, _stop.Token);
                try
                {
                    await ServeAsync(session, serving.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (session.Ended.IsCancellationRequested)
                {
                    // The next session goes on with what has no receipt.
                }
                catch (Exception e) when (e is not (OperationCanceledException or ObjectDisposedException))
                {
                    // A defect must not leave callers waiting for a loop that is gone.
                    LogFaulted(e);
                    await Task.Delay(_backoff.Delay(0), _time, _stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    // Callers of a client that is disposed are told just that.
                    if (session.IsOriginal && !_stop.IsCancellationRequested)
                        FailCutOff();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The client is disposed.
        }
        finally
        {
            FailEverything();
        }
    }

    private async Task ServeAsync(Session session, CancellationToken cancellationToken)
    {
        // What another session has sent an original bus could store twice.
        if (session.IsOriginal)
            FailCutOff();
        foreach (var sending in _inFlight.InOrder(onlyRefused: false))
            await SendAsync(session, sending, cancellationToken).ConfigureAwait(false);

        await using var ended = cancellationToken.Register(Wake).ConfigureAwait(false);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_hasRefusals)
                await SendRefusedAsync(session, cancellationToken).ConfigureAwait(false); // it holds its slots, so it does not wait for one
            else if (_inFlight.HasRoom && _waiting.Reader.TryPeek(out _))
                await SendWaitingAsync(session, cancellationToken).ConfigureAwait(false);
            else
                await _wake.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false); // whatever it waits for wakes it, its end too
        }
    }

    /// <summary>There may be something to do: a publish waits, a slot is free, something was refused, or the session is over.</summary>
    private void Wake() => _wake.Writer.TryWrite(true);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendWaitingAsync(Session session, CancellationToken cancellationToken)
    {
        if (_inFlight.Take(_waiting.Reader, session.Hello.Limits) is { } sending)
            await SendAsync(session, sending, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The store of the bus fails, or it stops: after a pause for everybody, what was refused goes first, in its order.</summary>
    private async Task SendRefusedAsync(Session session, CancellationToken cancellationToken)
    {
        _hasRefusals = false;
        var refused = _inFlight.InOrder(onlyRefused: true);
        if (refused.Count > 0)
            await Task.Delay(_backoff.Delay(_failures++), _time, cancellationToken).ConfigureAwait(false);
        foreach (var sending in refused)
            await SendAsync(session, sending, cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(Session session, Sending next, CancellationToken cancellationToken)
    {
        if (session.IsOriginal && next.Members.Any(static m => m.NeedsIds))
            Refused(next.Message.RequestId!, OriginalBus.CannotDo("A given event id or decision id, and with it Append in a handler,", next.Message.RequestId));
        else if (next.LogId is { } logId && logId != session.LogId)
            FailOnAnotherLog(next);
        else if (_inFlight.Begin(next, session.IsOriginal) is { } sending && !await session.SendAsync(sending.Message, _taken, cancellationToken).ConfigureAwait(false))
            _inFlight.Undo(sending);
    }

    private void FailOnAnotherLog(Sending next) => _inFlight.Remove(next.Message.RequestId!)?.Fail(_ => new LogChangedException(next.WasSent));

    private void Answer(Sending sending, ReceiptMessage receipt)
    {
        _failures = 0;
        if (receipt.Receipts.Count == sending.Message.Events.Count)
            sending.Succeed(receipt);
        else
            FailOnOtherReceipts(sending, receipt);
    }

    private static void FailOnOtherReceipts(Sending sending, ReceiptMessage receipt) =>
        sending.Fail(member => new OutcomeUnknownException(member.Message.Events[0].EventId!.Value, $"the bus answered {sending.Message.Events.Count} events with {receipt.Receipts.Count} receipts."));

    private void Refused(string requestId, ErrorMessage error)
    {
        var isPassing = PassingErrors.Contains(error.Code);
        if (isPassing)
            LogPostponed(requestId, error.Code);

        if (_inFlight.Refuse(requestId, isPassing) is { } alone)
            alone.Fail(member => Final(alone, member, error));
        else
        {
            _hasRefusals = true;
            Wake();
        }
    }

    /// <summary>The bus will not take it; but an earlier attempt, whose receipt was lost, may have been taken.</summary>
    private static SequentException Final(Sending sending, PendingPublish member, ErrorMessage error)
    {
        var refusal = new RequestFailedException(error.Code, error.Message, error.Path);
        return sending.WasResent ? new OutcomeUnknownException(member.Message.Events[0].EventId!.Value, $"its receipt was lost, and the bus refused it when it was sent again ({error.Code}).", refusal) : refusal;
    }

    private SequentException GiveUp(PendingPublish pending, string why, Exception? cause = null)
    {
        var id = pending.Message.Events[0].EventId!.Value;
        return _inFlight.WasSent(pending) switch
        {
            (false, _) => new BusUnavailableException($"Nothing was sent: {why}"),
            (true, ToOriginal: true) => OutcomeUnknownException.Unrepeatable(id, why, cause),
            _ => new OutcomeUnknownException(id, why, cause),
        };
    }

    /// <summary>What was sent to an original bus and has no receipt: without ids, sending it again could store it twice.</summary>
    private void FailCutOff()
    {
        foreach (var sending in _inFlight.RemoveSent())
            FailUnknown(sending, "Its connection was lost before a receipt came.");
    }

    private static void FailUnknown(Sending sending, string why) =>
        sending.Fail(member => OutcomeUnknownException.Unrepeatable(member.Message.Events[0].EventId!.Value, why));

    private void FailEverything()
    {
        _waiting.Writer.TryComplete();
        foreach (var sending in _inFlight.RemoveAll())
            sending.Fail(member => GiveUp(member, "the client was disposed."));
        while (_waiting.Reader.TryRead(out var waiting))
            waiting.Fail(GiveUp(waiting, "the client was disposed."));
    }
}
