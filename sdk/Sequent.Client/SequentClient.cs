using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Client.Hosting;
using Sequent.Client.Publishing;
using Sequent.Client.Reading;
using Sequent.Client.Subscribing;
using Sequent.Client.Telemetry;
using Sequent.Client.Units;
using Sequent.Protocol;

namespace Sequent.Client;

/// <inheritdoc cref="ISequentClient"/>
public sealed partial class SequentClient : ISequentClient, IDisposable
{
    private readonly SequentOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly Connections _connections;
    private readonly Connection _main;
    private readonly Publisher _publisher;
    private readonly LogReader _reader;
    private readonly FoldReader _folds;
    private readonly HashSet<Subscription> _subscriptions = [];
    private Task? _disposing;

    /// <summary>Creates a client with default options.</summary>
    /// <param name="server">The address of the bus, such as <c>ws://localhost:8081</c>.</param>
    /// <exception cref="OptionsValidationException">The address is not usable.</exception>
    public SequentClient(string server)
        : this(new SequentOptions { Server = new Uri(server, UriKind.RelativeOrAbsolute) })
    {
    }

    /// <summary>Creates a client.</summary>
    /// <param name="options">How it works.</param>
    /// <exception cref="OptionsValidationException">An option is not usable; the message names it and the remedy.</exception>
    public SequentClient(SequentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        new SequentOptionsValidator(hasHandlers: false).ThrowIfInvalid(options);
        _options = options;
        _loggers = options.LoggerFactory ?? NullLoggerFactory.Instance;
        _logger = _loggers.CreateLogger<SequentClient>();
        Mapper = new EventMapper(options.Events, options.Json);
        Telemetry = new ClientTelemetry(options.Server);

        _connections = new Connections(new ConnectionSettings(options.Server, options.ReconnectDelayMax, () => [.. options.Events.Entries.Select(e => e.Name)], options.TimeProvider, _loggers));
        _main = _connections.Open();
        _main.Received = Receive;
        _main.Changes = new StateChanges(Tell);
        _publisher = new Publisher(_main, Telemetry, options.MaxInFlight, options.TimeProvider, _loggers.CreateLogger<Publisher>());
        _reader = new LogReader(_main, Telemetry, options.TimeProvider);
        _folds = new FoldReader(_reader, Mapper, new FoldCache(options.FoldCacheSize));
        Units = new UnitRunner(_publisher, _reader, _folds, Mapper, Telemetry, options.UnitTimeout, options.TimeProvider, AvailableFor);
    }

    /// <inheritdoc/>
    public event EventHandler<ConnectionStateChangedEventArgs>? StateChanged;

    /// <inheritdoc/>
    public ConnectionState State => _main.State;

    internal EventMapper Mapper { get; }

    internal ClientTelemetry Telemetry { get; }

    internal Uri Server => _options.Server;

    /// <summary>The bus it is connected to, or null.</summary>
    internal BusInfo? Bus => _main.Present?.Bus;

    internal UnitRunner Units { get; }

    /// <summary>It is being disposed of, or was: nothing new begins.</summary>
    internal bool IsClosing => Volatile.Read(ref _disposing) is not null;

    /// <inheritdoc/>
    public async Task<BusInfo> ConnectAsync(CancellationToken cancellationToken = default)
    {
        var session = await Unit.CountWaitAsync(() => _main.SessionAsync(cancellationToken)).ConfigureAwait(false);
        return session.Bus;
    }

    /// <inheritdoc/>
    public Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default) =>
        PublishOneAsync(data, sequence, options, mustBeAccepted: true, cancellationToken);

    /// <inheritdoc/>
    public Task<Receipt> TryPublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default) =>
        PublishOneAsync(data, sequence, options, mustBeAccepted: false, cancellationToken);

    // What waits for the receipt keeps only what it needs then: a publish costs little beyond its event and its receipt.
    private Task<Receipt> PublishOneAsync(object data, Sequence sequence, PublishOptions? options, bool mustBeAccepted, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<Receipt>(cancellationToken);
        try
        {
            var message = new NewMessage([ToNew(data, sequence, options)]) { RequestId = Sending.NewId() };
            return Unit.IsCallerInside || options?.EventId is not null
                ? PublishOneAsync(message, options?.EventId is not null, mustBeAccepted, cancellationToken)
                : PublishOneAsync(message, mustBeAccepted, cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<Receipt>(e);
        }
    }

    private async Task<Receipt> PublishOneAsync(NewMessage message, bool mustBeAccepted, CancellationToken cancellationToken)
    {
        var answer = await _publisher.SendAsync(new PendingPublish(message), _options.PublishTimeout, cancellationToken).ConfigureAwait(false);
        var receipt = Receipt.OfOne(message.Events[0], answer);
        return receipt.IsSuccess || !mustBeAccepted ? receipt : ThrowIfNotAccepted([receipt])[0];
    }

    private async Task<Receipt> PublishOneAsync(NewMessage message, bool hasGivenId, bool mustBeAccepted, CancellationToken cancellationToken)
    {
        var receipts = await SendAsync(message, hasGivenId, cancellationToken).ConfigureAwait(false);
        return mustBeAccepted ? ThrowIfNotAccepted(receipts)[0] : receipts[0];
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Receipt>> PublishAllAsync(IReadOnlyList<EventToPublish> events, CancellationToken cancellationToken = default) =>
        ThrowIfNotAccepted(await TryPublishAllAsync(events, cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Receipt>> TryPublishAllAsync(IReadOnlyList<EventToPublish> events, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        cancellationToken.ThrowIfCancellationRequested();

        // All of them are looked at before any is sent; the publisher keeps their order and puts them together.
        NewEvent[] all = [.. events.Select(e => ToNew(e.Data, e.Sequence, e.Options))];
        Task<IReadOnlyList<Receipt>>[] sending = [.. all.Select((e, i) => SendAsync(new NewMessage([e]), events[i].Options?.EventId is not null, cancellationToken))];
        await ((Task)Task.WhenAll(sending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Array.TrueForAll(sending, s => s.IsCanceled))
            cancellationToken.ThrowIfCancellationRequested();
        PublishOutcome[] outcomes = [.. sending.Select(PublishOutcome.Of)];
        return Array.TrueForAll(outcomes, o => o.Failure is null) ? [.. outcomes.Select(o => o.Receipt!)] : throw new PublishAllException(outcomes);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Receipt>> PublishAtomicAsync(
        IReadOnlyList<EventToPublish> events, IReadOnlyDictionary<string, uint?>? expect = null, CancellationToken cancellationToken = default) =>
        ThrowIfNotAccepted(await TryPublishAtomicAsync(events, expect, cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Receipt>> TryPublishAtomicAsync(
        IReadOnlyList<EventToPublish> events, IReadOnlyDictionary<string, uint?>? expect = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
            throw new ArgumentException("A batch needs at least one event.", nameof(events));
        if (expect is not null && events.FirstOrDefault(e => expect.ContainsKey(e.Sequence.Key)) is { } both)
            throw new ArgumentException($"The key '{both.Sequence.Key}' is both expected and appended to; give its event an explicit value instead.", nameof(expect));
        cancellationToken.ThrowIfCancellationRequested();
        var message = new NewMessage([.. events.Select(e => ToNew(e.Data, e.Sequence, e.Options))]) { Atomic = true, Expect = expect is { Count: > 0 } ? expect.ToDictionary(e => WireText.Require(e.Key), e => e.Value, StringComparer.Ordinal) : null };
        return await SendAsync(message, events.Any(e => e.Options?.EventId is not null), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<UpdateResult> UpdateAsync(Func<IUnit, CancellationToken, Task> decide, UpdateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decide);
        if (Unit.IsCallerInside)
            LogPublishedInside("A unit");
        var decision = options?.DecisionId ?? NewId();
        var work = new UnitWork(
            decide,
            index => index == 0 ? decision : DerivedId.For(decision, index),
            options?.DecisionId is null ? DecisionLookup.AtCommit : DecisionLookup.Always,
            options?.CorrelationId ?? NewCorrelation())
        {
            NeedsIds = options?.DecisionId is not null,
            PublishTimeout = _options.PublishTimeout,
        };
        return Units.RunAsync(work, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<KeyState<TState>> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState>
    {
        var read = await Unit.CountWaitAsync(() => _folds.ReadAsync<TState>(key, until: null, cancellationToken)).ConfigureAwait(false);
        return new KeyState<TState>(read.State, read.LastValue);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordedEvent> QueryAsync(EventQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        await using var pages = _reader.ReadAsync(query.ToMessage(follow: false), cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await Unit.CountWaitAsync(() => pages.MoveNextAsync().AsTask()).ConfigureAwait(false))
        {
            foreach (var e in pages.Current.Events)
                yield return Mapper.ToRecorded(e);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FollowItem> FollowAsync(EventQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ObjectDisposedException.ThrowIf(IsClosing, this);
        await using var connection = _connections.Open();
        await foreach (var page in new LogReader(connection, Telemetry, _options.TimeProvider).ReadAsync(query.ToMessage(follow: true), cancellationToken).ConfigureAwait(false))
        {
            if (page.IsCaughtUp)
                yield return new CaughtUp(page.LogId, page.Position);
            else
                yield return new EventPage(page.LogId, page.Position, [.. page.Events.Select(Mapper.ToRecorded)]);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Delivery> SubscribeAsync(SubscriptionOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var subscription = Subscribe(options);
        await foreach (var delivery in subscription.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            yield return delivery;
    }

    /// <summary>As <see cref="DisposeAsync"/>, but blocks meanwhile: for containers and code that know nothing else.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Leaves its subscriptions, as leaving their loops does, waits up to 5 s for receipts that are due, and closes every connection.</summary>
    public ValueTask DisposeAsync()
    {
        // Whoever disposes of it a second time waits for the first.
        lock (_subscriptions)
            return new(_disposing ??= Task.Run(CloseAsync));
    }

    private async Task CloseAsync()
    {
        Subscription[] subscriptions;
        lock (_subscriptions)
            subscriptions = [.. _subscriptions];
        await Task.WhenAll(subscriptions.Select(s => s.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _publisher.DisposeAsync().ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Up to where the log has nothing that a query asks for.</summary>
    /// <exception cref="RequestFailedException">It has another log by now.</exception>
    internal async Task<long> ClearUpToAsync(EventQuery query, CancellationToken cancellationToken)
    {
        var position = query.After ?? 0;
        await foreach (var page in _reader.ReadAsync(query.ToMessage(follow: false) with { Limit = 1 }, cancellationToken).ConfigureAwait(false))
        {
            if (page.Events is [{ Position: { } first }, ..])
                return first - 1;
            position = page.Position;
        }

        return position;
    }

    /// <summary>For how long the bus has been there and has stored what it was sent, without a break.</summary>
    private TimeSpan AvailableFor() => _publisher.IsRefused ? TimeSpan.Zero : _main.ConnectedFor;

    internal Subscription Subscribe(SubscriptionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ObjectDisposedException.ThrowIf(IsClosing, this);
        if (options.DrainTimeout < TimeSpan.Zero || options.DrainTimeout.TotalMilliseconds > int.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(options), options.DrainTimeout, "DrainTimeout must be at least zero and at most 24 days.");
        var subscription = new Subscription(_connections.Open(), options, Mapper, _options.TimeProvider, _loggers.CreateLogger<Subscription>());
        lock (_subscriptions)
        {
            _subscriptions.RemoveWhere(s => s.IsDisposed);
            _subscriptions.Add(subscription);
        }

        return subscription;
    }

    private void Tell(ConnectionStateChangedEventArgs change)
    {
        try
        {
            StateChanged?.Invoke(this, change);
        }
        catch (Exception e)
        {
            LogSubscriberFailed(e);
        }
    }

    private void Receive(Session session, BusMessage message)
    {
        if (!_publisher.TryReceive(message) && message is ErrorMessage error)
            LogRefused(error.Code, error.Message);
    }

    private NewEvent ToNew(object data, Sequence sequence, PublishOptions? options)
    {
        var e = Mapper.ToNew(data, sequence.Key, sequence.Value, options?.EventId ?? NewId(), options?.CorrelationId ?? NewCorrelation(), options?.TraceParent);
        if (Unit.IsCallerInside)
            LogPublishedInside(e.EventType);
        return e;
    }

    /// <param name="message">The events.</param>
    /// <param name="hasGivenIds">Whoever names an event may have named another one so before. If a receipt was lost, only the log knows whose a duplicate is.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    private async Task<IReadOnlyList<Receipt>> SendAsync(NewMessage message, bool hasGivenIds, CancellationToken cancellationToken)
    {
        var answer = await Unit.CountWaitAsync(() => _publisher.SendAsync(new PendingPublish(message) { NeedsIds = hasGivenIds }, _options.PublishTimeout, cancellationToken).AsTask()).ConfigureAwait(false);
        if (hasGivenIds && answer.WasResent && answer.Entries.Any(e => e.Status == ReceiptStatus.Duplicate))
            answer = answer with { WasResent = await Unit.CountWaitAsync(() => IsStoredAsync(message, cancellationToken)).ConfigureAwait(false) };
        return Receipt.Of(message, answer);
    }

    /// <summary>These very events are what is stored under their ids. False if that cannot be known.</summary>
    private async Task<bool> IsStoredAsync(NewMessage message, CancellationToken cancellationToken)
    {
        var stored = new Dictionary<Guid, WireEvent>();
        try
        {
            await foreach (var page in _reader.ReadAsync(new QueryMessage { EventIds = [.. message.Events.Select(e => e.EventId!.Value)] }, cancellationToken).ConfigureAwait(false))
            {
                foreach (var e in page.Events)
                    stored[e.EventId!.Value] = e;
            }
        }
        catch (Exception e) when (e is RequestFailedException or OperationCanceledException)
        {
            return false;
        }

        return message.Events.All(e => stored.TryGetValue(e.EventId!.Value, out var found) && found.Key == e.Key && found.EventType == e.EventType && found.Data.Span.SequenceEqual(e.Data.Span));
    }

    /// <summary>The first event that was not accepted by its own fault gives the exception.</summary>
    private static IReadOnlyList<Receipt> ThrowIfNotAccepted(IReadOnlyList<Receipt> receipts)
    {
        var culprit = receipts.FirstOrDefault(r => !r.IsSuccess && r.Reason != RejectReasons.AtomicBatchFailed) ?? receipts.FirstOrDefault(r => !r.IsSuccess);
        return culprit switch
        {
            null => receipts,
            { Status: ReceiptStatus.Inconsistent } => throw new SequenceConflictException(culprit.Key, culprit.Value, culprit.Expected) { Receipts = receipts },
            { Reason: RejectReasons.ExpectFailed, Moved: { Count: > 0 } moved } => throw new SequenceConflictException(moved.First().Key, null, moved.First().Value is { } last ? last + 1 : 0) { Receipts = receipts },
            _ => throw new PublishRejectedException(culprit.Reason ?? "", culprit.Key) { Receipts = receipts },
        };
    }

    private Guid NewId() => EventIds.Next(_options.TimeProvider.GetUtcNow());

    /// <summary>That of the event or unit the caller works on, else a random one.</summary>
    private static uint NewCorrelation() => Unit.CallersCorrelation ?? (uint)Random.Shared.NextInt64(1L << 32);
}
