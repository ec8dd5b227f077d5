using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus;
using Sequent.Bus.Sessions;
using Sequent.Bus.Storage.InMemory;
using Sequent.Testing.Faults;

namespace Sequent.Testing.Running;

/// <summary>
/// A web server that stays, and behind it one bus after the other over the same log. So the address stays the same without anybody else being able
/// to take it meanwhile; connections to a bus that is down are ended at once.
/// </summary>
internal sealed class BusHost : IAsyncDisposable
{
    private readonly SequentBusOptions _options;
    private readonly FakeTimeProvider _time;
    private readonly bool _isTimeFrozen;
    private readonly WebApplication _server;
    private readonly SemaphoreSlim _changing = new(1);
    private readonly LinkGroup _own;
    private volatile Run? _run;

    public BusHost(SequentBusOptions options, FakeTimeProvider time, bool isTimeFrozen)
    {
        (_options, _time, _isTimeFrozen) = (options, time, isTimeFrozen);
        _own = WireFaults.NewGroup(isOwn: true);
        _server = BuildServer();
    }

    public InMemoryStore Log { get; } = new();

    public StoreFaults StoreFaults { get; } = new();

    public WireFaults WireFaults { get; } = new();

    public Uri Address { get; private set; } = null!;

    /// <summary>Where the test bus itself connects.</summary>
    public Uri OwnAddress => AddressOf(_own);

    /// <summary>The bus, or null while it is down.</summary>
    public SequentBus? Bus => _run?.Bus;

    /// <summary>Where a group of connections connects, by which it is told from others.</summary>
    public Uri AddressOf(LinkGroup group) => new(Address, group.Path);

    public async Task StartServerAsync(CancellationToken cancellationToken)
    {
        await _server.StartAsync(cancellationToken).ConfigureAwait(false);
        Address = new UriBuilder(_server.Urls.Single()) { Scheme = "ws" }.Uri;
    }

    /// <summary>Starts a bus, unless one runs.</summary>
    /// <exception cref="StoreException">The store fails.</exception>
    public async Task StartBusAsync(CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_run is not null)
                return;
            var store = new FaultyStore(Log, StoreFaults);
            var lifetime = _server.Services.GetRequiredService<IHostApplicationLifetime>();
            var bus = new SequentBus(Options.Create(_options), _time, lifetime, NullLoggerFactory.Instance, (store, store));
            await bus.StartAsync(cancellationToken).ConfigureAwait(false);
            _run = new Run(bus, store);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Stops the bus cleanly, if one runs.</summary>
    public async Task StopBusAsync(CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_run is { } run)
                await EndAsync(run, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Ends the bus, if one runs, as the end of its process would: nobody is told anything, and nothing more is saved.</summary>
    public async Task KillBusAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_run is not { } run)
                return;
            _run = null;
            run.Store.Kill();
            WireFaults.Cut(ownToo: true);
            await EndAsync(run, new CancellationToken(canceled: true)).ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopBusAsync(CancellationToken.None).ConfigureAwait(false);
        await _server.StopAsync().ConfigureAwait(false);
        await _server.DisposeAsync().ConfigureAwait(false);
        WireFaults.Dispose();
        _changing.Dispose();
    }

    /// <summary>A bus that stops waits for others up to limits of its own clock; those have to end even if the test holds that clock.</summary>
    private async Task EndAsync(Run run, CancellationToken cancellationToken)
    {
        await using var moving = _isTimeFrozen ? new MovingTime(_time) : null;
        await run.Bus.StopAsync(cancellationToken).ConfigureAwait(false);
        _run = null;
        run.Bus.Dispose();
    }

    private WebApplication BuildServer()
    {
        // Empty: no file or variable of the test's surroundings reaches in, and nothing is logged.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => o.ConfigureEndpointDefaults(e => e.Use(next => connection => HeldTransport.ServeAsync(connection, next))));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        SessionUpgrade.Use(server);
        server.Run(ServeAsync);
        return server;
    }

    private async Task ServeAsync(HttpContext context)
    {
        var group = WireFaults.GroupOf(context.Request.Path.Value);
        if (Bus is not { } bus || group.IsDead)
        {
            context.Abort();
            return;
        }

        context.Features.GetRequiredFeature<HeldTransport>().Join(group);
        if (context.Features.Get<IHttpWebSocketFeature>() is not { } handshake)
        {
            await bus.Sessions.ServeAsync(context).ConfigureAwait(false);
            return;
        }

        using var faulty = new FaultyHandshake(context, handshake, WireFaults, group);
        context.Features.Set<IHttpWebSocketFeature>(faulty);
        await bus.Sessions.ServeAsync(context).ConfigureAwait(false);
    }

    private sealed record Run(SequentBus Bus, FaultyStore Store);
}
