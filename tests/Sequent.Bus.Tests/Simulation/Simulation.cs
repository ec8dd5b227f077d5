using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>Makes the store of a process, perhaps one with a bug.</summary>
internal delegate SimulatedStore StoreFactory(SimulatedDisk disk, SimulatedTime time, Faults faults, Random random);

/// <summary>The whole bus, its disk, its clients and everything that goes wrong, in one thread and out of one seed.</summary>
internal sealed partial class Simulation : IHostApplicationLifetime
{
    private const int Steps = 400;

    private readonly SimulationContext _context;
    private readonly SimulatedTime _time = new();
    private readonly StoreFactory _stores;
    private readonly List<SimulatedSocket> _sockets = [];
    private readonly List<SimulatedClient> _clients;
    private SimulatedStore _store = null!;
    private SequentBus _bus = null!;
    private long _number;
    private bool _hasDefect;
    private ExceptionDispatchInfo? _failure;

    public Simulation(int seed, StoreFactory? stores = null)
    {
        Random = new Random(seed);
        _context = new SimulationContext(Random);
        _stores = stores ?? ((disk, time, faults, random) => new SimulatedStore(disk, time, faults, random));
        Plan = new SimulationPlan(Random);
        Faults = new Faults(Random) { ReadsFail = !Plan.CountsLosses };
        Checker = new Checker(this);
        Deliveries = new DeliveryChecker(this);
        Consumers = [.. Enumerable.Range(1, 3).Select(i => new Consumer(this, $"accounts{i}", "accounts", "*")), new Consumer(this, "audit1", "audit", "a"), new Consumer(this, "audit2", "audit", "a"), .. OldConsumers()];
        Follower = new Follower(this, "follower");
        _clients = [.. Consumers, Follower, new Publisher(this, "p1"), new Publisher(this, "p2"), new OldPublisher(this, "old")];
    }

    public Random Random { get; }

    public Trace Trace { get; } = new();

    public Faults Faults { get; }

    public SimulationPlan Plan { get; }

    public SimulatedDisk Disk { get; } = new();

    /// <summary>Since the run began.</summary>
    public TimeSpan Elapsed => _time.Elapsed;

    public Checker Checker { get; }

    public DeliveryChecker Deliveries { get; }

    public Follower Follower { get; }

    public IReadOnlyList<SimulatedConsumer> Consumers { get; }

    /// <summary>A read failed not long ago, so some sessions may still wait for the store.</summary>
    public bool HadReadFailure => _store.LastReadFailure is { } at && _time.Elapsed - at < TimeSpan.FromSeconds(2);

    /// <summary>Plants a bug: the ack of a revoked delivery settles the event where it is now.</summary>
    public bool RevokedAcksSettle { get; init; }

    /// <summary>Plants a bug: two events of one key change places on their way.</summary>
    public bool SwapsOrder { get; init; }

    /// <summary>Plants a bug: the bus does not know how many events of one key an instance takes.</summary>
    public bool IgnoresWindowPerKey { get; init; }

    /// <summary>Plants a bug: the first nack is one too many.</summary>
    public bool GivesUpAtOnce { get; init; }

    CancellationToken IHostApplicationLifetime.ApplicationStarted => default;

    CancellationToken IHostApplicationLifetime.ApplicationStopping => default;

    CancellationToken IHostApplicationLifetime.ApplicationStopped => default;

    /// <summary>Runs from the first start to the last check.</summary>
    public void Run()
    {
        var former = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            Start();
            Faults.StorePercent = 100;
            for (var step = 0; step < Steps; step++)
                Step();
            Heal();
            Checker.CheckEnd();
            Deliveries.CheckEnd(Log());
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(former);
        }
    }

    void IHostApplicationLifetime.StopApplication() => _hasDefect = true;

    public long NextNumber() => ++_number;

    /// <summary>What is on disk.</summary>
    public IReadOnlyList<StoredEvent> Log() => Disk.Store.ReadAsync(new LogRange(0, long.MaxValue, int.MaxValue), default).AsTask().Result.Events;

    public HashSet<long> DeadLetters(string clientType) =>
        [.. ReadLetters(clientType).Select(d => d.Position)];

    /// <summary>The client type is durable.</summary>
    public bool Knows(string clientType) => ((IDeliveryStore)Disk.Store).LoadAsync(default).AsTask().Result.Any(c => c.Name == clientType);

    public static bool IsOwed(string clientType, StoredEvent e) => clientType == "accounts" || e.EventType == "a";

    public SimulatedSocket Connect(ProtocolVersion version, Action<string> received)
    {
        var socket = new SimulatedSocket(text =>
        {
            try
            {
                received(SwapsOrder ? PlantedBugs.Swap(text) : text);
            }
            catch (Exception e)
            {
                // The bus would take it for a broken connection.
                _failure ??= ExceptionDispatchInfo.Capture(e);
            }
        });
        _sockets.Add(socket);
        _ = _bus.Sessions.RunAsync(socket, version, new Producer((ulong)NextNumber(), "V4(127.0.0.1:1)"));
        return socket;
    }

    /// <summary>A consumer is about to ack what is not its own any more.</summary>
    public void AckRevoked(Consumer consumer, HeldDelivery revoked)
    {
        if (!RevokedAcksSettle)
            return;
        foreach (var other in Consumers.OfType<Consumer>().Where(c => c.ClientType == consumer.ClientType && c.IsConnected))
        {
            if (other.Held.Values.FirstOrDefault(h => h.Position == revoked.Position) is { } live)
                other.SettleBehindItsBack(live.Delivery);
        }
    }

    private void Step()
    {
        switch (Random.Next(200))
        {
            case < 110: _clients[Random.Next(_clients.Count)].Step(heal: false); break;
            case < 160: _context.Run(Random.Next(1, 40)); break;
            case < 180: Rest(TimeSpan.FromMilliseconds(Random.Next(1, Plan.MaxPause))); break;
            case < 186: BreakOne(); break;
            case < 190: SlowOne(); break;
            case < 192: SetClock(); break;
            case < 194: Crash(); break;
            case < 195: Restart(); break;
            case < 197: KickOne(); break;
            case < 200: RedriveOne(); break;
        }
    }

    /// <summary>Everything that can happen now happens, then time passes.</summary>
    private void Rest(TimeSpan time)
    {
        _context.Run();
        _failure?.Throw();
        Assert.That(_hasDefect, Is.False, "the sequencer met a defect");
        foreach (var client in _clients)
            client.NoteRest();
        NoteHeard();
        Deliveries.Judge();
        _time.Advance(time);
    }

    private void NoteHeard()
    {
        foreach (var consumer in Consumers.Where(c => c.WasHeard))
            Deliveries.NoteHeard(consumer);
    }

    private void Start()
    {
        _store = _stores(Disk, _time, Faults, Random);
        _store.LetterSeen = Deliveries.NoteLetter;
        var options = new SequentBusOptions { MaxDeliveries = GivesUpAtOnce ? 1 : SimulationPlan.MaxDeliveries, MaxLosses = Plan.MaxLosses, AckDeadline = Plan.AckDeadline, RecentCommitBytes = 20_000, DrainTime = TimeSpan.FromMilliseconds(200) };
        _bus = new SequentBus(Options.Create(options), _time, this, NullLoggerFactory.Instance, (_store, _store));
        var percent = Faults.StorePercent;
        Faults.StorePercent = 0;
        Finish(_bus.StartAsync(default));
        Faults.StorePercent = percent;
    }

    private void DropSessions()
    {
        foreach (var socket in _sockets)
            socket.Abort();
        _sockets.Clear();
        foreach (var client in _clients)
            client.Leave();
    }

    private void Finish(Task task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.That(i, Is.LessThan(10_000), "the bus neither starts nor stops");
            _context.Run();
            if (!task.IsCompleted)
                _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>Nothing goes wrong any more, and everybody finishes what they began.</summary>
    private void Heal()
    {
        Trace.Note("heal");
        Faults.StorePercent = 0;
        foreach (var client in _clients)
            client.ReadSlowly(false);
        for (var (quiet, round) = (0, 0); quiet < 8; round++)
        {
            Assert.That(round, Is.LessThan(5_000), "the run does not come to rest");
            foreach (var client in _clients)
                client.Step(heal: true);
            Rest(TimeSpan.FromMilliseconds(20));
            var isQuiet = _clients.All(c => c.IsConnected && c is not Publisher { IsDone: false } and not OldPublisher { IsDone: false } and not SimulatedConsumer { IsBusy: true });
            quiet = isQuiet ? quiet + 1 : 0;
            if (isQuiet)
                Rest(TimeSpan.FromSeconds(31));
        }
    }
}
