using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus;
using Sequent.Client;
using Sequent.Testing.Running;

namespace Sequent.Testing;

/// <summary>
/// A real bus inside the test process, on a free port of this machine, with its log in memory and a clock that the test holds. What a service does
/// against it, it does against any bus. Every test can have its own: starting one takes milliseconds. Safe for concurrent use.
/// </summary>
public sealed partial class SequentTestBus : IAsyncDisposable
{
    private static readonly TimeSpan ReconnectDelayMax = TimeSpan.FromMilliseconds(100);

    /// <summary>A test that waits longer is a mistake.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromHours(1);

    private readonly SequentTestBusOptions _options;
    private readonly BusHost _host;
    private readonly MovingTime? _moving;
    private readonly KnownEvents _known = new();
    private readonly Lock _lock = new();
    private readonly List<IAsyncDisposable> _created = [];
    private SequentClient _own = null!;
    private TimeSpan _patience;
    private bool _isDisposed;

    private SequentTestBus(SequentTestBusOptions options)
    {
        (_options, _patience) = (options, options.Patience);
        Time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        _host = new BusHost(options.Bus, Time, options.FreezeTime);
        _moving = options.FreezeTime ? null : new MovingTime(Time);
        Faults = new BusFaults(_host);
    }

    /// <summary>Where the bus is, such as <c>ws://127.0.0.1:40123</c>. It stays the same over a stop and a start.</summary>
    public Uri Address => _host.Address;

    /// <summary>
    /// The clock of the bus: of back-offs, deadlines and the times of events. It starts at the present time and moves along with real time, unless
    /// <see cref="SequentTestBusOptions.FreezeTime"/> is set, and in either case by <see cref="FakeTimeProvider.Advance"/>. Clients have the system's clock.
    /// </summary>
    public FakeTimeProvider Time { get; }

    /// <summary>What may go wrong.</summary>
    public BusFaults Faults { get; }

    /// <summary>How long this waits for anything, in real time. It may be changed at any time, for what is waited for from then on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not more than zero, or more than 1 h.</exception>
    public TimeSpan Patience
    {
        get => _patience;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, PatienceMax);
            _patience = value;
        }
    }

    /// <summary>The bus takes sessions.</summary>
    public bool IsRunning => _host.Bus is not null;

    /// <summary>Starts a bus with an empty log.</summary>
    /// <param name="options">How it works; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="OptionsValidationException">An option is not usable; the message names it and the remedy.</exception>
    public static async Task<SequentTestBus> StartAsync(SequentTestBusOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new SequentTestBusOptions();
        ThrowIfInvalid(options);
        var bus = new SequentTestBus(options);
        try
        {
            await bus._host.StartServerAsync(cancellationToken).ConfigureAwait(false);
            await bus._host.StartBusAsync(cancellationToken).ConfigureAwait(false);
            bus._own = new SequentClient(bus.NewOptions(bus._host.OwnAddress, _ => { }));
            return bus;
        }
        catch
        {
            await bus.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Creates a client of the bus, with the system's clock, so that it reconnects by itself, and within 100 ms. Dispose it as any other; if it is
    /// forgotten, it ends with the bus.
    /// </summary>
    /// <param name="clientType">The name of the service it belongs to, or null.</param>
    /// <param name="configure">Sets further options, such as the event types.</param>
    /// <exception cref="OptionsValidationException">An option is not usable; the message names it and the remedy.</exception>
    public SequentClient CreateClient(string? clientType = null, Action<SequentOptions>? configure = null) =>
        Use(new SequentClient(NewOptions(Address, options =>
        {
            options.ClientType = clientType;
            configure?.Invoke(options);
        })));

    /// <summary>
    /// Stops the bus cleanly: sessions may settle what they hold, for up to <see cref="SequentBusOptions.DrainTime"/>, then they end; what is owed is
    /// saved. Without effect if it does not run.
    /// </summary>
    /// <param name="cancellationToken">Ends the patience with publishes under way; the bus stops nevertheless.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) => _host.StopBusAsync(cancellationToken);

    /// <summary>
    /// Ends the bus as a crash does: every connection ends at once, and what was not saved yet is lost, which is every ack of the last 100 ms (of
    /// <see cref="Time"/>), so events come again that were settled. What had a receipt is stored. Without effect if it does not run.
    /// </summary>
    public Task KillAsync() => _host.KillBusAsync();

    /// <summary>Starts a bus again after <see cref="StopAsync"/> or <see cref="KillAsync"/>, at the same address and with the same log. Without effect if it runs.</summary>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="StoreException">The store is told to fail.</exception>
    public Task StartAgainAsync(CancellationToken cancellationToken = default) => _host.StartBusAsync(cancellationToken);

    /// <summary>Ends every fault, every service and client that was created through the bus, and the bus.</summary>
    public async ValueTask DisposeAsync()
    {
        IAsyncDisposable[] created;
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            created = [.. _created];
            _created.Clear();
        }

        Faults.EndAll();
        foreach (var one in created.Reverse())
            await one.DisposeAsync().ConfigureAwait(false);
        if (_own is not null)
            await _own.DisposeAsync().ConfigureAwait(false);
        await _host.DisposeAsync().ConfigureAwait(false);
        if (_moving is not null)
            await _moving.DisposeAsync().ConfigureAwait(false);
    }

    private SequentOptions NewOptions(Uri server, Action<SequentOptions> configure)
    {
        var options = new SequentOptions();
        Configure(options, server, configure);
        return options;
    }

    private void Configure(SequentOptions options, Uri server, Action<SequentOptions> configure)
    {
        (options.Server, options.ReconnectDelayMax) = (server, ReconnectDelayMax);
        _options.ConfigureClients?.Invoke(options);
        configure(options);
        _known.Add(options);
    }

    private T Use<T>(T created)
        where T : IAsyncDisposable
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _created.Add(created);
        }

        return created;
    }

    private static void ThrowIfInvalid(SequentTestBusOptions options)
    {
        if (options.Patience <= TimeSpan.Zero || options.Patience > PatienceMax)
        {
            throw new OptionsValidationException(
                nameof(SequentTestBusOptions), typeof(SequentTestBusOptions), [$"Patience is {options.Patience}; it must be more than zero and at most 1 h."]);
        }

        if (new SequentBusOptionsValidator().Validate(null, options.Bus) is { Failed: true } faults)
            throw new OptionsValidationException(nameof(SequentTestBusOptions.Bus), typeof(SequentBusOptions), faults.Failures);
    }
}
