using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sequent.Client.Connecting;
using Sequent.Client.Events;
using Sequent.Client.Publishing;
using Sequent.Client.Reading;
using Sequent.Client.Subscribing;
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

        _connections = new Connections(new ConnectionSettings(options.Server, options.ReconnectDelayMax, options.TimeProvider, _loggers));
        _main = _connections.Open();
        _main.Received = Receive;
        _publisher = new Publisher(_main, options.MaxInFlight, options.TimeProvider, _loggers.CreateLogger<Publisher>());
        _reader = new LogReader(_main, options.TimeProvider);
        _folds = new FoldReader(_reader, Mapper, new FoldCache(options.FoldCacheSize));
        Units = new UnitRunner(_publisher, _reader, _folds, Mapper, options.UnitTimeout, options.TimeProvider);
    }

    /// <inheritdoc/>
    public ConnectionState State => _main.State;

    internal EventMapper Mapper { get; }

    internal UnitRunner Units { get; }

    /// <inheritdoc/>
    public async Task<BusInfo> ConnectAsync(CancellationToken cancellationToken = default)
    {
        var session = await _main.SessionAsync(cancellationToken).ConfigureAwait(false);
        return new BusInfo(session.Hello.LogId, session.Hello.Position, session.Hello.Version);
    }

    /// <inheritdoc/>
    public async Task<Receipt> PublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        var receipt = await TryPublishAsync(data, sequence, options, cancellationToken).ConfigureAwait(false);
        return receipt.Status switch
        {
            ReceiptStatus.Inconsistent => throw new SequenceConflictException(receipt.Key, receipt.Value, receipt.Expected),
            ReceiptStatus.Rejected => throw new PublishRejectedException(receipt.Reason ?? "", receipt.Key),
            _ => receipt,
        };
    }

    /// <inheritdoc/>
    public async Task<Receipt> TryPublishAsync(object data, Sequence sequence, PublishOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var e = Mapper.ToNew(data, sequence.Key, sequence.Value, options?.EventId ?? NewId(), options?.CorrelationId ?? NewCorrelation(), options?.TraceParent);
        if (UnitRunner.IsCallerInside)
            LogPublishedInside(e.EventType);
        var answer = await _publisher.SendAsync(new NewMessage([e]), null, _options.PublishTimeout, cancellationToken).ConfigureAwait(false);
        return Receipt.Of(answer.Entries[0], e, answer.WasResent);
    }

    /// <inheritdoc/>
    public Task<UpdateResult> UpdateAsync(Func<IUnit, CancellationToken, Task> decide, UpdateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decide);
        if (UnitRunner.IsCallerInside)
            LogPublishedInside("A unit");
        var decision = options?.DecisionId;
        var work = new UnitWork(
            decide,
            index => index == 0 && decision is { } id ? id : NewId(),
            decision is null ? DecisionLookup.AtCommit : DecisionLookup.Always,
            options?.CorrelationId ?? NewCorrelation())
        {
            PublishTimeout = _options.PublishTimeout,
        };
        return Units.RunAsync(work, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<KeyState<TState>> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
        where TState : IState<TState>
    {
        var read = await _folds.ReadAsync<TState>(key, until: null, cancellationToken).ConfigureAwait(false);
        return new KeyState<TState>(read.State, read.LastValue);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordedEvent> QueryAsync(EventQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        await foreach (var page in _reader.ReadAsync(query.ToMessage(follow: false), cancellationToken).ConfigureAwait(false))
        {
            foreach (var e in page.Events)
                yield return Mapper.ToRecorded(e);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FollowItem> FollowAsync(EventQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        await using var connection = _connections.Open();
        await foreach (var page in new LogReader(connection, _options.TimeProvider).ReadAsync(query.ToMessage(follow: true), cancellationToken).ConfigureAwait(false))
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

    /// <summary>Waits up to 5 s for receipts that are due, sends the acks that wait, and closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync().ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
    }

    internal Subscription Subscribe(SubscriptionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new Subscription(_connections.Open(), options, Mapper, _options.TimeProvider, _loggers.CreateLogger<Subscription>());
    }

    private void Receive(Session session, BusMessage message)
    {
        if (!_publisher.TryReceive(message) && message is ErrorMessage error)
            LogRefused(error.Code, error.Message);
    }

    private Guid NewId() => Guid.CreateVersion7(_options.TimeProvider.GetUtcNow());

    private static uint NewCorrelation() => (uint)Random.Shared.NextInt64(1L << 32);
}
