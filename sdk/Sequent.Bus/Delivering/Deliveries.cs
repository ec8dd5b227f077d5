using Microsoft.Extensions.Logging;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Delivering;

/// <summary>The client types of the bus, each with its own loop. A client type seen once is known for ever.</summary>
internal sealed partial class Deliveries(
    IEventStore events, IDeliveryStore store, EventLog log, Sequencer sequencer, DeliveryLimits limits, TimeProvider time, ILoggerFactory loggers) : IAsyncDisposable
{
    /// <summary>More client types than this are not taken.</summary>
    private const int MaxClientTypes = 1_000;

    private readonly ILogger _logger = loggers.CreateLogger<Deliveries>();
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, ClientTypeLoop> _loops = new(StringComparer.Ordinal);
    private long _headAtStart;

    public DeliveryLimits Limits { get; } = limits;

    /// <summary>Brings back every client type with what it owes.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _headAtStart = log.Head;
        foreach (var saved in await store.LoadAsync(cancellationToken))
        {
            var queue = new ClientTypeQueue(saved, Limits, _headAtStart);
            foreach (var debt in saved.Debts.OrderBy(d => d.FirstUnacked))
                queue.Restore(debt, await ReadChainAsync(debt, saved.Cursor, cancellationToken));
            _loops.Add(saved.Name, StartLoop(queue));
            LogRestored(saved.Name, saved.Cursor, queue.Unsettled);
        }
    }

    /// <summary>The loop of a client type. A new one is durable before this completes.</summary>
    /// <returns>The loop, whether the client type was known, and where it starts; null if there are too many client types.</returns>
    /// <exception cref="StoreException">A new client type could not be saved.</exception>
    public async Task<(ClientTypeLoop Loop, bool Known)?> FindOrCreateAsync(string name, StartPosition? start, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_loops.TryGetValue(name, out var known))
                return (known, true);
            if (_loops.Count >= MaxClientTypes)
                return null;
            var cursor = start is { IsEarliest: true } ? 0 : start?.Position ?? log.Head;
            await store.SaveAsync(new ClientTypeChanges(name, cursor, [], [], []), cancellationToken);
            var loop = StartLoop(new ClientTypeQueue(new ClientTypeRecord(name, cursor, [], []), Limits, _headAtStart));
            _loops.Add(name, loop);
            LogNewClientType(name, cursor);
            return (loop, false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        // All of them, whatever one of them meets.
        await Task.WhenAll(_loops.Values.Select(loop => loop.DisposeAsync().AsTask())).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _loops.Clear();
        _gate.Release();
    }

    private ClientTypeLoop StartLoop(ClientTypeQueue queue) => new(queue, log, store, time, loggers.CreateLogger<ClientTypeLoop>());

    private async ValueTask<IEnumerable<EventHeader>> ReadChainAsync(KeyDebtRecord debt, long cursor, CancellationToken cancellationToken)
    {
        if (sequencer.ReadKeys([debt.Key])[debt.Key] is not { } end)
            return [];
        var chain = await events.ReadChainAsync(end.Position, debt.FirstUnacked - 1, cancellationToken);
        var owed = await events.ReadAtAsync([.. chain.Where(p => p <= cursor)], cancellationToken);
        return owed.Select(e => new EventHeader(e.Position, e.Key, e.Value, e.EventType));
    }

    [LoggerMessage(1, LogLevel.Information, "Client type {ClientType} is back at position {Cursor} with {Unsettled} unsettled events")]
    private partial void LogRestored(string clientType, long cursor, int unsettled);

    [LoggerMessage(2, LogLevel.Information, "Client type {ClientType} is new and starts after position {Cursor}")]
    private partial void LogNewClientType(string clientType, long cursor);
}
