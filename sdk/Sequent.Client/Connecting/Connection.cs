using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Sequent.Client.Telemetry;
using Sequent.Protocol;

namespace Sequent.Client.Connecting;

/// <summary>
/// A connection that heals itself: it opens a session when first asked for one, and a new one whenever the last has ended, for ever. What was
/// under way in the last session is the business of those who used it.
/// </summary>
internal sealed partial class Connection : IAsyncDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);

    /// <summary>After several sessions that ended within this time there is a pause of at most the same: a bus that drops everybody at once must not be hammered.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(1);

    private readonly ConnectionSettings _settings;
    private readonly ILogger _logger;
    private readonly Backoff _backoff;
    private readonly Backoff _shortLifeBackoff;
    private readonly ResiliencePipeline<Session> _connecting;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource<Session> _current = NewCurrent();
    private Task? _running;
    private volatile bool _closing;
    private long _connectedAt;

    public Connection(ConnectionSettings settings)
    {
        _settings = settings;
        _logger = settings.Loggers.CreateLogger<Connection>();
        _backoff = new Backoff(FirstDelay, settings.DelayMax);
        _shortLifeBackoff = new Backoff(FirstDelay, settings.DelayMax < ShortLife ? settings.DelayMax : ShortLife);
        _connecting = new ResiliencePipelineBuilder<Session> { TimeProvider = settings.Time }
            .AddRetry(new RetryStrategyOptions<Session>
            {
                ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is not null && !_stop.IsCancellationRequested),
                MaxRetryAttempts = int.MaxValue,
                // The first attempt often fails just because the bus is restarting, so the second comes at once.
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(args.AttemptNumber == 0 ? TimeSpan.Zero : _backoff.Delay(args.AttemptNumber - 1)),
                OnRetry = OnRetryAsync,
            })
            .Build();
    }

    /// <summary>Takes what no exchange waits for, in the order it comes. Called by the receiving loop, so it must not wait. Set before the first session.</summary>
    public Action<Session, BusMessage> Received { private get; set; } = static (_, _) => { };

    /// <summary>Is told of every change of <see cref="State"/>. Set before the first session.</summary>
    public StateChanges? Changes { private get; set; }

    public ConnectionState State
    {
        get
        {
            lock (_lock)
            {
                if (_closing)
                    return ConnectionState.Closed;
                if (_running is null)
                    return ConnectionState.Idle;
                return _current.Task.IsCompletedSuccessfully ? ConnectionState.Connected : ConnectionState.Connecting;
            }
        }
    }

    /// <summary>How long the present session has lasted; zero if there is none.</summary>
    public TimeSpan ConnectedFor
    {
        get
        {
            lock (_lock)
                return _current.Task.IsCompletedSuccessfully ? _settings.Time.GetElapsedTime(_connectedAt) : TimeSpan.Zero;
        }
    }

    /// <summary>The present session, or null.</summary>
    public Session? Present
    {
        get
        {
            lock (_lock)
                return !_closing && _current.Task.IsCompletedSuccessfully ? _current.Task.Result : null;
        }
    }

    /// <summary>The present session, or the next one.</summary>
    /// <exception cref="ObjectDisposedException">The connection was closed.</exception>
    public Task<Session> SessionAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closing, typeof(SequentClient));
            if (_running is null)
                Changes?.Enter(ConnectionState.Connecting);
            _running ??= Detached.Run(RunAsync);
            return _current.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Sends what waits, says goodbye, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Task? running;
        Task<Session> current;
        lock (_lock)
        {
            if (_closing)
                return;
            _closing = true;
            Changes?.Enter(ConnectionState.Closed);
            (running, current) = (_running, _current.Task);
        }

        if (running is not null && current.IsCompletedSuccessfully)
        {
            (await current.ConfigureAwait(false)).Complete();
            await Task.WhenAny(running, Task.Delay(ConnectionSettings.CloseTimeout, _settings.Time, CancellationToken.None)).ConfigureAwait(false);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (running is not null)
            await running.ConfigureAwait(false);
        lock (_lock)
            Abandon(_current);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        for (var shortLives = 0; !_closing;)
        {
            var opened = _settings.Time.GetTimestamp();
            try
            {
                using var session = await _connecting.ExecuteAsync(OpenAsync, _stop.Token).ConfigureAwait(false);
                opened = _settings.Time.GetTimestamp();
                await LiveAsync(session).ConfigureAwait(false);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return; // Closed while connecting.
            }
            catch (Exception e)
            {
                // Whatever it was, the next session starts clean.
                LogFaulted(_settings.Server, e);
            }

            shortLives = _settings.Time.GetElapsedTime(opened) < ShortLife ? shortLives + 1 : 0;
            if (shortLives > 1 && !_closing)
                await Task.Delay(_shortLifeBackoff.Delay(shortLives - 2), _settings.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A session from its announcement to its end, which everybody is told whatever happens.</summary>
    private async Task LiveAsync(Session session)
    {
        LogConnected(_settings.Server, session.Hello.SessionId, session.LogId);
        if (session.IsOriginal)
            LogOriginal(_settings.Server);
        Announce(session);
        Instruments.Sessions.Add(1);
        try
        {
            await session.RunAsync(_stop.Token).ConfigureAwait(false);
        }
        finally
        {
            Instruments.Sessions.Add(-1);
            lock (_lock)
                _current = NewCurrent();
            Changes?.Enter(ConnectionState.Connecting);
            await session.EndAsync().ConfigureAwait(false);
        }

        LogDisconnected(_settings.Server, session.Hello.SessionId, session.WhyEnded);
    }

    private void Announce(Session session)
    {
        lock (_lock)
        {
            _connectedAt = _settings.Time.GetTimestamp();
            _current.SetResult(session);
            Changes?.Enter(ConnectionState.Connected, session.Bus);
            if (_closing)
                session.Complete();
        }
    }

    /// <summary>One attempt: a socket, the right protocol, and <c>hello</c>.</summary>
    private async ValueTask<Session> OpenAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(ConnectionSettings.ConnectTimeout, _settings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol(WireNames.Subprotocol);
            socket.Options.KeepAliveInterval = ConnectionSettings.KeepAlive;
            socket.Options.KeepAliveTimeout = ConnectionSettings.KeepAlive;
            await socket.ConnectAsync(_settings.Server, either.Token).ConfigureAwait(false);
            var frames = new FrameReader(socket);
            if (string.IsNullOrEmpty(socket.SubProtocol))
                return new Session(socket, frames, hello: null, Received, _settings);
            if (socket.SubProtocol != WireNames.Subprotocol)
                throw new WebSocketException(WebSocketError.UnsupportedProtocol, $"The server at {_settings.Server} does not speak {WireNames.Subprotocol}.");
            var first = await frames.ReadAsync(either.Token).ConfigureAwait(false) ?? throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
            return BusMessageReader.Read(first) is HelloMessage hello
                ? new Session(socket, frames, hello, Received, _settings)
                : throw new WebSocketException(WebSocketError.Faulted, "The first message of the bus was not hello.");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private ValueTask OnRetryAsync(OnRetryArguments<Session> args)
    {
        // Once is worth a look; the following hundred say the same.
        var message = args.Outcome.Exception!.Message;
        Instruments.ConnectFailures.Add(1);
        if (args.AttemptNumber == 0)
            LogUnreachable(_settings.Server, message);
        else
            LogStillUnreachable(_settings.Server, args.AttemptNumber + 1, message);
        return ValueTask.CompletedTask;
    }

    private static TaskCompletionSource<Session> NewCurrent() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Abandon(TaskCompletionSource<Session> current)
    {
        if (current.TrySetException(new ObjectDisposedException(nameof(SequentClient))))
            _ = current.Task.Exception; // Nobody may be waiting, which is no fault.
    }
}
