using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sequent.Client.Connecting;
using Sequent.Client.Subscribing;
using Sequent.Client.Telemetry;
using Sequent.Client.Units;

namespace Sequent.Client.Hosting;

/// <summary>
/// One subscription for all handlers of a client type. Each delivery is a unit: run the handler, commit what it appended as one batch under
/// derived ids, then ack. Whatever cuts that short, the event comes again and the ids keep it from counting twice.
/// </summary>
internal sealed partial class HandlerHost
{
    /// <summary>A subscription that worked for so long did not fail for the reason of the last time.</summary>
    private static readonly TimeSpan LongLife = TimeSpan.FromMinutes(1);

    /// <summary>An operator's ack deadline should be longer than this.</summary>
    private static readonly TimeSpan ExtendEvery = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ExtendBy = TimeSpan.FromSeconds(15);

    private readonly SequentClient _client;
    private readonly SequentOptions _options;
    private readonly IServiceScopeFactory _scopes;
    private readonly ILogger _logger;
    private readonly HandlerTable _handlers;
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
    private volatile Subscription? _subscription;

    public HandlerHost(SequentClient client, SequentOptions options, IEnumerable<HandlerRegistration> handlers, IServiceScopeFactory scopes, ILogger<HandlerHost> logger)
    {
        (_client, _options, _scopes, _logger) = (client, options, scopes, logger);
        _handlers = new HandlerTable(handlers, options.Events);
    }

    /// <summary>The bus hands events to this instance.</summary>
    public bool IsRegistered => _subscription?.IsRegistered == true;

    /// <summary>How far the handlers are behind, in time; null while the bus hands them nothing.</summary>
    public TimeSpan? LagAt(DateTimeOffset now)
    {
        if (_subscription is not { IsRegistered: true } subscription)
            return null;
        return subscription.OldestUnsettled is { } oldest ? LagGauge.Between(oldest, now) : TimeSpan.Zero;
    }

    /// <summary>Runs until stopped.</summary>
    /// <param name="stopping">Takes nothing new from then on; running handlers finish.</param>
    /// <param name="aborting">Cancels running handlers; their events come again.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken aborting)
    {
        for (var failures = 0; ; failures++)
        {
            var started = _options.TimeProvider.GetTimestamp();
            try
            {
                await SubscribeAsync(stopping, aborting).ConfigureAwait(false);
            }
            catch (Exception) when (stopping.IsCancellationRequested || _client.IsClosing)
            {
                return;
            }
            catch (Exception e)
            {
                // Somebody has to mend this, at the bus or here; until then the service does what it can.
                if (e is RequestFailedException)
                    LogRegistrationRefused(_options.ClientType!, e);
                else
                    LogSubscriptionFailed(_options.ClientType!, e);
                if (_options.TimeProvider.GetElapsedTime(started) > LongLife)
                    failures = 0;
                await Task.Delay(_backoff.Delay(failures), _options.TimeProvider, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SubscribeAsync(CancellationToken stopping, CancellationToken aborting)
    {
        await using var subscription = _client.Subscribe(new SubscriptionOptions(_options.ClientType!)
        {
            Types = _handlers.Types,
            Start = _options.Start,
            Instance = _options.Instance,

            // Enough for every key in work to have some waiting.
            MaxInFlight = Math.Clamp(_options.MaxParallelKeys * 4, 256, 65_536),

            // By then no handler runs; what waits for one is not waited for.
            DrainTimeout = TimeSpan.Zero,
        });

        _subscription = subscription;

        using var working = CancellationTokenSource.CreateLinkedTokenSource(aborting);
        var extending = ExtendAsync(subscription, working.Token);

        // Ends before the subscription does, so that the acks of what was running still go out.
        var lanes = new KeyLanes(_options.MaxParallelKeys, delivery => HandleAsync(delivery, aborting));
        try
        {
            await foreach (var delivery in subscription.ReadAllAsync(stopping).ConfigureAwait(false))
                lanes.Add(delivery);
        }
        finally
        {
            await lanes.DisposeAsync().ConfigureAwait(false);
            await working.CancelAsync().ConfigureAwait(false);
            await extending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Where the operator set an ack deadline: what waits for a handler, or is handled within its own time-out, is not late.</summary>
    private async Task ExtendAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(ExtendEvery, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            await subscription.ExtendTakenAsync(ExtendBy, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Handles one delivery and settles it. Never throws.</summary>
    private async Task HandleAsync(Delivery delivery, CancellationToken aborting)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(delivery.Revoked, aborting);
        try
        {
            await ProcessAsync(delivery, lost.Token).ConfigureAwait(false);
            await delivery.AckAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception) when (lost.IsCancellationRequested || _client.IsClosing)
        {
            // Neither acked nor nacked: the event is another instance's by now, or comes again.
            LogLost(delivery.Event.EventType, delivery.Event.Position);
        }
        catch (Exception e)
        {
            LogFailed(delivery.Event.EventType, delivery.Event.Position, delivery.Attempt, e);
            await delivery.NackAsync(new NackOptions { Reason = e.GetType().Name }, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task ProcessAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (Instruments.IsSilent)
        {
            await RunUnitAsync(delivery, delivery.Event.TraceParent, cancellationToken).ConfigureAwait(false);
            return;
        }

        using var processing = _client.Telemetry.Process(delivery, _options.ClientType!);
        try
        {
            // What it appends belongs to this span, or to its cause if there is none.
            await RunUnitAsync(delivery, processing.Activity is null ? delivery.Event.TraceParent : null, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (processing.Fail(e))
        {
            throw;
        }
    }

    private async Task RunUnitAsync(Delivery delivery, string? traceParent, CancellationToken cancellationToken)
    {
        var handler = _handlers.Find(delivery.Event.EventType)
            ?? throw new InvalidOperationException($"The bus delivered a {delivery.Event.EventType}, for which there is no handler.");
        var work = new UnitWork(
            (unit, ct) => InvokeAsync(handler, delivery, unit, ct),
            index => DerivedId.For(delivery.Event, _options.ClientType!, handler.Name, index),
            delivery.Redelivered && !delivery.IsOriginal ? DecisionLookup.Once : DecisionLookup.AtCommit,
            delivery.Event.CorrelationId)
        {
            TraceParent = traceParent,
            LogId = delivery.LogId,
            WantsEvents = false,
            NeedsIds = true,
        };
        for (var failures = 0; ; failures++)
        {
            try
            {
                await _client.Units.RunAsync(work, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (IsWait(e))
            {
                // A bus that is away, or a key that is crowded, is no fault of the event: it waits instead of failing.
                LogWaiting(delivery.Event.EventType, delivery.Event.Position, e.GetType().Name);
                await Task.Delay(_backoff.Delay(failures), _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsWait(Exception? e) => e is BusUnavailableException or OutcomeUnknownException or UnitTimeoutException
        || (e is PublishAllException several && several.Outcomes.All(o => o.Receipt is not null || IsWait(o.Failure)));

    private async Task InvokeAsync(HandlerRegistration handler, Delivery delivery, Unit unit, CancellationToken cancellationToken)
    {
        // Whether it waited is asked before it is cancelled, because afterwards it does not wait any more. Without a timer of its own there is nothing to dispose of.
        var limit = new CancellationTokenSource();
        var wasWaiting = false;
        await using var timer = _options.TimeProvider.CreateTimer(
            _ =>
            {
                wasWaiting = unit.IsWaiting;
                limit.Cancel();
            },
            null,
            _options.HandlerTimeout,
            Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var running = InvokeInScopeAsync(handler, delivery, unit, either.Token);
        try
        {
            // A handler that ignores its token is left behind, and its unit with it, unless it blocks its thread.
            await running.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested && wasWaiting)
        {
            throw new BusUnavailableException($"{handler.Handler} waited for the bus, or for its turn at a key, until HandlerTimeout, {_options.HandlerTimeout}.");
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{handler.Handler} did not finish within HandlerTimeout, {_options.HandlerTimeout}.", e);
        }
        finally
        {
            if (!running.IsCompleted)
                _ = ObserveAsync(running, delivery);
        }
    }

    /// <summary>What a handler that was left behind throws is of no consequence, but somebody may look for it.</summary>
    private async Task ObserveAsync(Task leftBehind, Delivery delivery)
    {
        try
        {
            await leftBehind.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogLeftBehind(delivery.Event.EventType, delivery.Event.Position, e);
        }
    }

    private async Task InvokeInScopeAsync(HandlerRegistration handler, Delivery delivery, IUnit unit, CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        await handler.HandleAsync(scope.ServiceProvider, delivery, unit, cancellationToken).ConfigureAwait(false);
    }
}
