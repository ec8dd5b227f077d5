using System.Reflection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sequent.Bus.Delivering;
using Sequent.Bus.Operating;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Sessions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;
using Sequent.Bus.Storage.Sqlite;
using Sequent.Protocol;

namespace Sequent.Bus;

/// <summary>The bus: its parts, and the order in which they start and stop.</summary>
internal sealed partial class SequentBus : IHostedService, IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _abandon = new();
    private BusGauges? _gauges;
    private Task _sequencing = Task.CompletedTask;

    public SequentBus(IOptions<SequentBusOptions> options, TimeProvider time, IHostApplicationLifetime lifetime, ILoggerFactory loggers)
        : this(options, time, lifetime, loggers, OpenStores(options.Value, time, loggers))
    {
    }

    /// <summary>A bus over given stores.</summary>
    internal SequentBus(
        IOptions<SequentBusOptions> options, TimeProvider time, IHostApplicationLifetime lifetime, ILoggerFactory loggers, (IEventStore Events, IDeliveryStore Deliveries) stores)
    {
        Options = options.Value;
        Time = time;
        _lifetime = lifetime;
        _logger = loggers.CreateLogger<SequentBus>();
        (Store, DeliveryStore) = stores;
        Log = new EventLog(Store, new RecentCommits(Options.RecentCommitBytes));
        Sequencer = new Sequencer(Store, Log, time, loggers.CreateLogger<Sequencer>());
        Pages = new PageReader(Store, Log, Sequencer);
        Limits = new BusLimits(Options.MessageBytes, Options.EventsPerMessage, Options.QueryPage, Options.KeyBytes, Options.EventTypeBytes);
        Deliveries = new Deliveries(Store, DeliveryStore, Log, Sequencer, DeliveryLimitsOf(Options), time, loggers);
        Sessions = new SessionRegistry(this, loggers);
    }

    public string Version { get; } = typeof(SequentBus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public SequentBusOptions Options { get; }

    public BusLimits Limits { get; }

    public TimeProvider Time { get; }

    public IEventStore Store { get; }

    public IDeliveryStore DeliveryStore { get; }

    public EventLog Log { get; }

    public Sequencer Sequencer { get; }

    public PageReader Pages { get; }

    public Deliveries Deliveries { get; }

    public SessionRegistry Sessions { get; }

    /// <summary>Opens the log and brings everything back. Sessions are taken only after this.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Options.DataFile is null)
            LogInMemory();
        var end = await Store.OpenAsync(cancellationToken);
        await Sequencer.StartAsync(end, cancellationToken);
        await Deliveries.StartAsync(cancellationToken);
        _sequencing = SequenceAsync();
        _gauges = new BusGauges(this);
        Sessions.Open();
    }

    /// <summary>Why the bus cannot take sessions or events now, in one line, or null if it can.</summary>
    public async Task<string?> FindObstacleAsync(CancellationToken cancellationToken)
    {
        if (!Sessions.IsOpen)
            return "The bus is starting or stopping.";
        if (Sequencer.IsInTrouble)
            return "The store failed; publishing is tried again.";
        if (Deliveries.FindDefect() is { } name)
            return $"A defect stopped the deliveries of client type '{name}' until the bus is started anew.";
        try
        {
            return await Store.FindObstacleAsync(cancellationToken);
        }
        catch (StoreException e)
        {
            return e.Message;
        }
    }

    /// <summary>Ends the sessions, decides what was handed over, saves what is owed, closes the file.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _gauges?.Dispose();
        await Sessions.CloseAsync();
        Sequencer.Complete();
        await using (cancellationToken.Register(_abandon.Cancel))
            await _sequencing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await Deliveries.DisposeAsync();
        await Store.DisposeAsync();
    }

    public void Dispose()
    {
        _gauges?.Dispose();
        Sessions.Dispose();
        _abandon.Dispose();
    }

    private async Task SequenceAsync()
    {
        await Task.Yield();
        try
        {
            await Sequencer.RunAsync(_abandon.Token);
        }
        catch (OperationCanceledException)
        {
            // The host ran out of patience while stopping; what was not answered is asked again.
        }
        catch (Exception e)
        {
            // A defect. A bus that cannot publish must not look alive: whoever runs it starts it again.
            LogSequencerFailed(e);
            _lifetime.StopApplication();
        }
    }

    [LoggerMessage(1, LogLevel.Critical, "A defect stopped the sequencer; the bus stops")]
    private partial void LogSequencerFailed(Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "The log is kept in memory and is gone when the process ends; set DataFile to keep it")]
    private partial void LogInMemory();

    private static DeliveryLimits DeliveryLimitsOf(SequentBusOptions options) => new()
    {
        Window = options.MaxInFlight,
        WindowPerKey = options.MaxInFlightPerKey,
        MaxDeliveries = options.MaxDeliveries,
        MaxLosses = options.MaxLosses,
        AckDeadlineMicros = (long?)options.AckDeadline?.TotalMicroseconds,
        StickyIdleMicros = (long)options.StickyIdle.TotalMicroseconds,
        InterestGraceMicros = (long)options.InterestGrace.TotalMicroseconds,
        AcksSent = options.AcksSent.ToHashSet(StringComparer.Ordinal),
    };

    private static (IEventStore Events, IDeliveryStore Deliveries) OpenStores(SequentBusOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        if (options.DataFile is not { } path)
        {
            var memory = new InMemoryStore();
            return (memory, memory);
        }

        var file = new SqliteFile(path, options.Durability, loggers.CreateLogger<SqliteFile>());
        var space = new FreeSpace(path, options.FreeSpaceMargin, time);
        return (new SqliteEventStore(file, space, loggers.CreateLogger<SqliteEventStore>()), new SqliteDeliveryStore(file));
    }
}
