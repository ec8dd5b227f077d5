using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Protocol;

namespace Sequent.Client.Subscribing;

/// <summary>
/// Taking part as an instance of a client type, over a connection of its own: registers, again in every new session, and yields what is
/// delivered. Deliveries that were revoked before anybody took them are left out.
/// </summary>
internal sealed partial class Subscription : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly SubscriptionOptions _options;
    private readonly EventMapper _mapper;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();

    // As long as the bus keeps to the window it was told, this holds no more than that: what is revoked leaves it.
    private readonly LinkedList<Delivery> _arrived = new();
    private readonly Channel<bool> _wakeUp = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isLeaving;
    private volatile bool _isLeft;
    private bool _isDisposed;
    private Serving? _serving;
    private Task? _running;

    public Subscription(Connection connection, SubscriptionOptions options, EventMapper mapper, TimeProvider time, ILogger<Subscription> logger)
    {
        (_connection, _options, _mapper, _time, _logger) = (connection, options, mapper, time, logger);
        _connection.Received = Receive;
    }

    public bool IsDisposed => _disposed.Task.IsCompleted;

    /// <summary>The bus hands events to it.</summary>
    public bool IsRegistered => _serving is { IsRegistered: true } serving && !serving.Session.Ended.IsCancellationRequested;

    /// <summary>When the oldest event it holds was recorded; null: it holds none.</summary>
    public DateTimeOffset? OldestUnsettled => _serving?.Deliveries.OldestUnsettled;

    /// <summary>Yields deliveries until cancelled. To be called once.</summary>
    /// <exception cref="RequestFailedException">The bus refused the registration.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public async IAsyncEnumerable<Delivery> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _running = Task.Run(RunAsync, CancellationToken.None);
        try
        {
            while (await _wakeUp.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                _wakeUp.Reader.TryRead(out _);
                while (TakeFirst() is { } delivery)
                {
                    yield return delivery;
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
        }
        finally
        {
            _isLeft = true;
            StopTaking();
        }
    }

    /// <summary>Tells the bus that the work on everything that was handed out goes on.</summary>
    public ValueTask ExtendTakenAsync(TimeSpan time, CancellationToken cancellationToken) =>
        _serving is { IsRegistered: true } serving ? serving.Deliveries.ExtendTakenAsync((long)time.TotalMilliseconds, cancellationToken) : default;

    /// <summary>Waits a while for what was handed out to be settled, sends the acks, then ends the session; what is not settled goes to other instances.</summary>
    public async ValueTask DisposeAsync()
    {
        StopTaking();
        if (Interlocked.Exchange(ref _isDisposed, true))
        {
            await _disposed.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            await LeaveAsync().ConfigureAwait(false);
        }
        finally
        {
            _disposed.SetResult();
        }
    }

    /// <summary>Nothing new comes from now on; what was handed out may still be settled, until this is disposed of.</summary>
    private void StopTaking()
    {
        lock (_lock)
        {
            if (_isLeaving)
                return;
            _isLeaving = true;
        }

        if (_serving is { IsRegistered: true } serving)
            serving.Session.Post(new UnregisterMessage { Drain = true });
    }

    private async Task LeaveAsync()
    {
        if (_serving is { } serving)
        {
            await Task.WhenAny(serving.Deliveries.WhenTakenAreSettled(), Task.Delay(_options.DrainTimeout, _time, CancellationToken.None)).ConfigureAwait(false);
            serving.Deliveries.CompleteAcks();
            await Task.WhenAny(serving.AcksSent, Task.Delay(ConnectionSettings.CloseTimeout, _time, CancellationToken.None)).ConfigureAwait(false);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        if (_running is { } running)
            await running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (!_isLeaving)
            {
                var session = await _connection.SessionAsync(_stop.Token).ConfigureAwait(false);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(session.Ended, _stop.Token);
                try
                {
                    await ServeAsync(session, serving.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (session.Ended.IsCancellationRequested)
                {
                    // Registers again in the next session.
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed of.
        }
        catch (Exception e)
        {
            _wakeUp.Writer.TryComplete(e);
        }
        finally
        {
            // A loop that nobody left does not end in silence, and none goes on waiting.
            _wakeUp.Writer.TryComplete(_isLeft ? null : new ObjectDisposedException(nameof(SequentClient)));
            _serving?.Deliveries.End();
        }
    }

    private async Task ServeAsync(Session session, CancellationToken cancellationToken)
    {
        var serving = new Serving(session, new SessionDeliveries(session, _mapper));
        _serving = serving;
        try
        {
            // An original bus hands over what waits before it answers, and it may be more than is taken without acks.
            serving.AcksSent = serving.Deliveries.SendAcksAsync(cancellationToken);
            await RegisterAsync(serving, cancellationToken).ConfigureAwait(false);
            await serving.AcksSent.ConfigureAwait(false);
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            serving.Deliveries.End();
            DropRevoked();
        }
    }

    private async Task RegisterAsync(Serving serving, CancellationToken cancellationToken)
    {
        for (var failures = 0; ; failures++)
        {
            var message = new RegisterMessage(_options.ClientType, _options.Types)
            {
                Instance = _options.Instance,
                MaxInFlight = _options.MaxInFlight,
                MaxInFlightPerKey = _options.MaxInFlightPerKey,
                Start = _options.Start?.Wire,
            };
            await serving.Session.TrySendAsync(message, cancellationToken).ConfigureAwait(false);
            var answer = await serving.Answers.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (answer is RegistrationMessage)
            {
                LogRegistered(_options.ClientType, serving.Session.Hello.SessionId);
                return;
            }

            var error = (ErrorMessage)answer;
            if (!PassingErrors.Contains(error.Code))
                throw new RequestFailedException(error.Code, error.Message, error.Path);
            LogPostponed(_options.ClientType, error.Code);
            await Task.Delay(_backoff.Delay(failures), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>On the receiving loop. A message of a session that is not served yet can only be a fault: the bus answers, it does not begin.</summary>
    private void Receive(Session session, BusMessage message)
    {
        if (_serving is not { } serving || serving.Session != session)
            return;
        switch (message)
        {
            case EventsMessage events: Arrive(serving, events); break;
            case RevokedMessage revoked: serving.Deliveries.Revoke(revoked.Deliveries); DropRevoked(); break;
            case RegistrationMessage: serving.IsRegistered = true; serving.Answers.Writer.TryWrite(message); break;
            case ErrorMessage error when serving.IsRegistered: LogRefused(error.Code, error.Message); break;
            case ErrorMessage: serving.Answers.Writer.TryWrite(message); break;
        }
    }

    private void Arrive(Serving serving, EventsMessage message)
    {
        lock (_lock)
        {
            foreach (var e in message.Events)
            {
                if (serving.Deliveries.Take(e) is { } delivery)
                    _arrived.AddLast(delivery);
            }
        }

        _wakeUp.Writer.TryWrite(true);
    }

    private Delivery? TakeFirst()
    {
        lock (_lock)
        {
            while (!_isLeaving && _arrived.First is { Value: var delivery })
            {
                _arrived.RemoveFirst();
                if (delivery.Revoked.IsCancellationRequested)
                    continue;
                delivery.IsTaken = true;
                return delivery;
            }

            return null;
        }
    }

    private void DropRevoked()
    {
        lock (_lock)
        {
            for (var node = _arrived.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Revoked.IsCancellationRequested)
                    _arrived.Remove(node);
                node = next;
            }
        }
    }

    /// <summary>The subscription within one session.</summary>
    private sealed class Serving(Session session, SessionDeliveries deliveries)
    {
        public Session Session { get; } = session;

        public SessionDeliveries Deliveries { get; } = deliveries;

        /// <summary>Answers to <c>register</c>, one at a time.</summary>
        public Channel<BusMessage> Answers { get; } = Channel.CreateBounded<BusMessage>(1);

        public bool IsRegistered { get; set; }

        public Task AcksSent { get; set; } = Task.CompletedTask;
    }
}
