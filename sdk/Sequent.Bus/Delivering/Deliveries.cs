using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Delivering;

/// <summary>The client types of the bus, each with its own loop. A client type seen once is known until an operator forgets it.</summary>
internal sealed partial class Deliveries : IAsyncDisposable
{
    /// <summary>More client types than this are not taken.</summary>
    private const int MaxClientTypes = 1_000;

    private readonly IEventStore _events;
    private readonly IDeliveryStore _store;
    private readonly EventLog _log;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly DebtReader _reader;
    private readonly DeliverySaver _saver;
    private readonly Credits _gate = new(1);
    private readonly ConcurrentDictionary<string, ClientTypeLoop> _loops = new(StringComparer.Ordinal); // changed only with the gate

    // Where the log ended when a client type was forgotten: should it come back, it may have had everything before.
    private readonly Dictionary<string, long> _forgotten = new(StringComparer.Ordinal);
    private long _headAtStart;

    public Deliveries(IEventStore events, IDeliveryStore store, EventLog log, Sequencer sequencer, DeliveryLimits limits, TimeProvider time, ILoggerFactory loggers)
    {
        (_events, _store, _log, _time, _loggers) = (events, store, log, time, loggers);
        _logger = loggers.CreateLogger<Deliveries>();
        _reader = new DebtReader(events, sequencer);
        _saver = new DeliverySaver(store);
        Limits = limits;
    }

    public DeliveryLimits Limits { get; }

    /// <summary>Brings back every client type with what it owes. The events themselves are read when their turn comes.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _headAtStart = _log.Head;
        _saver.Start();
        foreach (var saved in await _store.LoadAsync(cancellationToken))
        {
            var redriven = await _events.ReadHeadersAtAsync([.. saved.Redriven.Select(r => r.Position)], cancellationToken);
            _loops.TryAdd(saved.Name, StartLoop(new ClientTypeQueue(saved, Limits, _headAtStart, redriven)));
            LogRestored(saved.Name, saved.Cursor, saved.Debts.Count);
        }
    }

    /// <summary>The loop of a client type. A new one is durable before this completes.</summary>
    /// <returns>The loop, whether the client type was known, and where it starts; null if there are too many client types.</returns>
    /// <exception cref="StoreException">A new client type could not be saved.</exception>
    /// <exception cref="ProtocolException">A new client type cannot start there. (Where a known one should have started does not matter.)</exception>
    public async Task<(ClientTypeLoop Loop, bool Known)?> FindOrCreateAsync(string name, StartPosition? start, CancellationToken cancellationToken)
    {
        await _gate.TakeAsync(cancellationToken);
        try
        {
            if (_loops.TryGetValue(name, out var known))
                return (known, true);
            if (_loops.Count >= MaxClientTypes)
                return null;
            var cursor = CursorOf(start);
            await _saver.SaveAsync(new ClientTypeChanges(name, cursor) { Interest = [] });
            var loop = StartLoop(new ClientTypeQueue(new ClientTypeRecord(name, cursor, [], []), Limits, Math.Max(_headAtStart, _forgotten.GetValueOrDefault(name))));
            _loops.TryAdd(name, loop);
            LogNewClientType(name, cursor);
            return (loop, false);
        }
        finally
        {
            _gate.Grant(1);
        }
    }

    /// <summary>The loop of a client type, or null. Never waits for a store.</summary>
    public ClientTypeLoop? Find(string name) => _loops.GetValueOrDefault(name);

    /// <summary>The first client type that a defect has stopped, or null.</summary>
    public string? FindDefect() => List().FirstOrDefault(loop => loop.IsDefect)?.Name;

    /// <summary>All of them, by name. Never waits for a store.</summary>
    public IReadOnlyList<ClientTypeLoop> List() => [.. _loops.Values.OrderBy(l => l.Name, StringComparer.Ordinal)];

    /// <summary>Forgets a client type with all it owes and its dead letters.</summary>
    /// <returns>False if it has an instance, live or draining; then nothing changed.</returns>
    /// <exception cref="StoreException">It could not be dropped from the store; it is still known.</exception>
    public async Task<bool> ForgetAsync(ClientTypeLoop loop, CancellationToken cancellationToken)
    {
        await _gate.TakeAsync(cancellationToken);
        try
        {
            if (_loops.GetValueOrDefault(loop.Name) != loop)
                return true;
            if (!loop.IsDefect && !await loop.AskAsync(queue => queue.IsDeserted, cancellationToken))
                return false;
            var queue = await loop.ForgetAsync();
            try
            {
                await _store.ForgetAsync(loop.Name, CancellationToken.None);
            }
            catch (StoreException) when (!loop.IsDefect)
            {
                // Whoever joined that very moment is being ended by the end of the former loop.
                queue.DropInstances();
                _loops[loop.Name] = StartLoop(queue);
                throw;
            }

            _loops.TryRemove(loop.Name, out _);
            _forgotten[loop.Name] = _log.Head;
            LogForgotten(loop.Name);
            return true;
        }
        finally
        {
            _gate.Grant(1);
        }
    }

    /// <summary>Hands nothing out any more, and completes when nothing is in flight.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(List().Where(loop => !loop.IsDefect).Select(loop => loop.DrainAsync(cancellationToken)));
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.TakeAsync(CancellationToken.None);
        // All of them, whatever one of them meets.
        await Task.WhenAll(_loops.Values.Select(loop => loop.DisposeAsync().AsTask())).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _loops.Clear();
        await _saver.DisposeAsync();
        _gate.Grant(1);
    }

    private long CursorOf(StartPosition? start)
    {
        if (start?.Position is not { } position)
            return start is { IsEarliest: true } ? 0 : _log.Head;
        if (start.LogId != _log.LogId)
            throw new ProtocolException(ErrorCodes.LogChanged, $"The start position is of log {start.LogId}; this bus has log {_log.LogId}.", "$.start.log_id");
        return position <= _log.Head
            ? position
            : throw new ProtocolException(ErrorCodes.PositionAhead, $"The log ends at position {_log.Head}.", "$.start.position");
    }

    private ClientTypeLoop StartLoop(ClientTypeQueue queue) => new(queue, _log, _reader, _saver, _time, _loggers.CreateLogger<ClientTypeLoop>());

    [LoggerMessage(1, LogLevel.Information, "Client type {ClientType} is back at position {Cursor} with {Keys} keys in debt")]
    private partial void LogRestored(string clientType, long cursor, int keys);

    [LoggerMessage(2, LogLevel.Information, "Client type {ClientType} is new and starts after position {Cursor}")]
    private partial void LogNewClientType(string clientType, long cursor);

    [LoggerMessage(3, LogLevel.Warning, "Client type {ClientType} was forgotten, with all it owed and its dead letters")]
    private partial void LogForgotten(string clientType);
}
