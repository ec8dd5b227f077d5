using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>
/// Sends messages in the order they were given and holds each until its receipt. One loop does the sending; when a session is lost, it first
/// sends again, under the same ids and in the same order, what had no receipt. So a publish is never lost, and stored at most once.
/// </summary>
internal sealed partial class Publisher : IAsyncDisposable
{
    /// <summary>How long receipts are waited for when the client is disposed.</summary>
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private readonly Connection _connection;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<PendingPublish> _waiting;
    private readonly SemaphoreSlim _slots;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PendingPublish> _pending = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _running;
    private bool _closing;
    private int _callers;
    private long _number;

    public Publisher(Connection connection, int maxInFlight, TimeProvider time, ILogger<Publisher> logger)
    {
        (_connection, _time, _logger) = (connection, time, logger);
        _waiting = Channel.CreateBounded<PendingPublish>(new BoundedChannelOptions(maxInFlight) { SingleReader = true });
        _slots = new SemaphoreSlim(maxInFlight);
    }

    /// <summary>Sends a message as often as it takes and returns its receipts.</summary>
    /// <param name="message">The message, without a request id; its events have ids.</param>
    /// <param name="logId">The only log it may go to, or null.</param>
    /// <param name="timeout">How long to wait for the receipts, or null.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="LogChangedException">The bus has another log than <paramref name="logId"/>.</exception>
    /// <exception cref="RequestFailedException">The bus refused the message.</exception>
    /// <exception cref="OutcomeUnknownException">It was sent and no receipt came in time.</exception>
    /// <exception cref="BusUnavailableException">It could not be sent in time.</exception>
    public async Task<PublishAnswer> SendAsync(NewMessage message, string? logId, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        Enter();
        var pending = new PendingPublish(message, logId);
        using var limit = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _waiting.Writer.WriteAsync(pending, either.Token).ConfigureAwait(false);
            return await pending.Answer.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Abandon(pending);
            cancellationToken.ThrowIfCancellationRequested();
            throw GiveUp(pending, $"no receipt came within {timeout!.Value.TotalSeconds:0.#} s.");
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

    /// <summary>Takes receipts, and errors about what was sent. False if the message is not about a publish.</summary>
    public bool TryReceive(BusMessage message)
    {
        switch (message)
        {
            case ReceiptMessage { RequestId: { } id } receipt:
                if (Remove(id) is { } answered)
                    Answer(answered, receipt);
                return true;
            case ErrorMessage { RequestId: { } id } error:
                Fail(id, error);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Takes no further messages, waits a little for receipts, and fails what is left.</summary>
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
            await running.ConfigureAwait(false);
        }

        _stop.Dispose();
        _slots.Dispose();
    }

    private void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closing, typeof(SequentClient));
            _callers++;
            _running ??= Task.Run(RunAsync, CancellationToken.None);
        }
    }

    private void Leave()
    {
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
            while (HasPending() || await _waiting.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                var session = await _connection.SessionAsync(_stop.Token).ConfigureAwait(false);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(session.Ended, _stop.Token);
                try
                {
                    await ServeAsync(session, serving.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (session.Ended.IsCancellationRequested)
                {
                    // The next session goes on with what is pending.
                }
                catch (Exception e) when (e is not (OperationCanceledException or ObjectDisposedException))
                {
                    // A defect must not leave callers waiting for a loop that is gone.
                    LogFaulted(e);
                    await Task.Delay(_backoff.Delay(0), _time, _stop.Token).ConfigureAwait(false);
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
        foreach (var pending in PendingInOrder())
            await SendAsync(session, pending, cancellationToken).ConfigureAwait(false);

        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);

            // One message per publish. Joining what waits here into one message is the place for batching by load.
            if (_waiting.Reader.TryRead(out var pending) && TryNumber(pending))
                await SendAsync(session, pending, cancellationToken).ConfigureAwait(false);
            else
                _slots.Release();
        }

        // Closing: nothing new comes, but what is pending may have to be sent again.
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask SendAsync(Session session, PendingPublish pending, CancellationToken cancellationToken)
    {
        if (pending.LogId is { } logId && logId != session.LogId)
        {
            Remove(pending.Message.RequestId!)?.Fail(new LogChangedException());
            return;
        }

        // Noted before, because the answer may come before the next line runs; taken back if it did not even leave.
        var (wasSent, wasResent) = (pending.WasSent, pending.WasResent);
        lock (_lock)
            (pending.WasSent, pending.WasResent) = (true, wasResent || wasSent);
        if (await session.TrySendAsync(pending.Message, cancellationToken).ConfigureAwait(false))
            return;
        lock (_lock)
            (pending.WasSent, pending.WasResent) = (wasSent, wasResent);
    }

    /// <summary>Gives a message its number and expects its receipt from now on. False if nobody waits for it any more.</summary>
    private bool TryNumber(PendingPublish pending)
    {
        lock (_lock)
        {
            if (pending.IsAbandoned)
                return false;

            pending.Enter(++_number, $"p{_number.ToString(CultureInfo.InvariantCulture)}");
            _pending.Add(pending.Message.RequestId!, pending);
            return true;
        }
    }

    private static void Answer(PendingPublish pending, ReceiptMessage receipt)
    {
        if (receipt.Receipts.Count == pending.Message.Events.Count)
            pending.Succeed(new PublishAnswer(receipt.Receipts, pending.WasResent));
        else
            pending.Fail(new RequestFailedException(ErrorCodes.Internal, $"The bus answered {pending.Message.Events.Count} events with {receipt.Receipts.Count} receipts."));
    }

    private void Fail(string requestId, ErrorMessage error)
    {
        PendingPublish? pending;
        lock (_lock)
        {
            if (!_pending.TryGetValue(requestId, out pending))
                return;
            pending.IsBackingOff = PassingErrors.Contains(error.Code);
        }

        if (pending.IsBackingOff)
        {
            LogPostponed(requestId, error.Code);
            _ = RetryAsync(pending);
        }
        else
        {
            Remove(requestId)?.Fail(new RequestFailedException(error.Code, error.Message, error.Path));
        }
    }

    /// <summary>Nothing of the message was stored; it is sent again after a pause.</summary>
    private async Task RetryAsync(PendingPublish pending)
    {
        try
        {
            await Task.Delay(_backoff.Delay(pending.Failures++), _time, _stop.Token).ConfigureAwait(false);

            // Before asking for the session: if that ends meanwhile, the loop sends this message with the others.
            lock (_lock)
            {
                pending.IsBackingOff = false;
                if (!_pending.ContainsKey(pending.Message.RequestId!))
                    return;
                pending.WasSent = pending.WasResent;
            }

            var session = await _connection.SessionAsync(_stop.Token).ConfigureAwait(false);
            await SendAsync(session, pending, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The client is disposed; that fails everything that is pending, this message as well.
        }
    }

    private bool HasPending()
    {
        lock (_lock)
            return _pending.Count > 0;
    }

    private List<PendingPublish> PendingInOrder()
    {
        lock (_lock)
            return [.. _pending.Values.Where(p => !p.IsBackingOff).OrderBy(p => p.Number)];
    }

    private PendingPublish? Remove(string requestId)
    {
        lock (_lock)
        {
            if (!_pending.Remove(requestId, out var pending))
                return null;
            if (!_stop.IsCancellationRequested)
                _slots.Release();
            return pending;
        }
    }

    private void Abandon(PendingPublish pending)
    {
        lock (_lock)
            pending.IsAbandoned = true;
        if (pending.Message.RequestId is { } requestId)
            Remove(requestId);
    }

    private void FailEverything()
    {
        _waiting.Writer.TryComplete();
        List<PendingPublish> all;
        lock (_lock)
            all = [.. _pending.Values];
        foreach (var pending in all)
            Remove(pending.Message.RequestId!)?.Fail(GiveUp(pending, "the client was disposed."));
        while (_waiting.Reader.TryRead(out var waiting))
            waiting.Fail(GiveUp(waiting, "the client was disposed."));
    }

    private SequentException GiveUp(PendingPublish pending, string why)
    {
        lock (_lock)
        {
            return pending.WasSent
                ? new OutcomeUnknownException(pending.Message.Events[0].EventId!.Value, why)
                : new BusUnavailableException($"Nothing was sent: {why}");
        }
    }
}
