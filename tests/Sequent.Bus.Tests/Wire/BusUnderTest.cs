using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Wire;

/// <summary>A bus on a free port of this machine, in memory or on a file.</summary>
internal sealed class BusUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LogLines _log;
    private readonly TimeProvider? _time;

    private BusUnderTest(WebApplication app, LogLines log, TimeProvider? time, Uri address)
    {
        (_app, _log, _time, Address) = (app, log, time, address);
        Http = new HttpClient { BaseAddress = new UriBuilder(address) { Scheme = "http" }.Uri };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public static Task<BusUnderTest> StartAsync(Action<SequentBusOptions>? configure = null, TimeProvider? time = null) => StartAsync(configure, time, null);

    /// <summary>A bus over what somebody else holds, such as a log that was prepared.</summary>
    public static Task<BusUnderTest> StartOverAsync(InMemoryStore store, Action<SequentBusOptions>? configure = null, TimeProvider? time = null) =>
        StartAsync(configure, time, (store, store));

    /// <summary>A bus over stores that do as they are told.</summary>
    public static Task<BusUnderTest> StartOverAsync((IEventStore Events, IDeliveryStore Deliveries) stores, Action<SequentBusOptions>? configure = null, TimeProvider? time = null) =>
        StartAsync(configure, time, stores);

    private static async Task<BusUnderTest> StartAsync(Action<SequentBusOptions>? configure, TimeProvider? time, (IEventStore Events, IDeliveryStore Deliveries)? stores)
    {
        var log = new LogLines();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Debug).AddProvider(log);
        if (time is not null)
            builder.Services.AddSingleton(time);
        if (stores is { } given)
        {
            builder.Services.AddSingleton(services => new SequentBus(
                services.GetRequiredService<IOptions<SequentBusOptions>>(),
                services.GetRequiredService<TimeProvider>(),
                services.GetRequiredService<IHostApplicationLifetime>(),
                services.GetRequiredService<ILoggerFactory>(),
                given));
        }

        builder.Services.AddSequentBus(o =>
        {
            o.DataFile = null;
            configure?.Invoke(o);
        });
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapSequentHealth();
        app.MapSequentAdmin();
        app.MapSequentBus("/{**path}");
        await app.StartAsync();
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new BusUnderTest(app, log, time, new Uri(url.Replace("http://", "ws://", StringComparison.Ordinal)));
    }

    public Task<WireClient> ConnectV1Async() => WireClient.ConnectAsync(Address, ProtocolVersion.V1);

    public async Task<WireClient> ConnectV2Async()
    {
        var client = await WireClient.ConnectAsync(Address, ProtocolVersion.V2);
        client.Hello = await client.ReceiveAsync("hello");
        return client;
    }

    /// <summary>Runs a session over a socket that is none of the network, until it ends.</summary>
    public Task RunAsync(WebSocket socket, ProtocolVersion version) =>
        _app.Services.GetRequiredService<SequentBus>().Sessions.RunAsync(socket, version, new Producer(1, "V4(127.0.0.1:1)"));

    /// <summary>What an operator is answered.</summary>
    public async Task<JsonNode> AskAsync(string path) => JsonNode.Parse(await Http.GetStringAsync(new Uri(path, UriKind.Relative)))!;

    /// <summary>The lines it has logged at a level.</summary>
    public IEnumerable<string> Logged(LogLevel level) => _log.At(level);

    /// <summary>Ends the sessions as a stop of the host does, while its web server still answers.</summary>
    public Task CloseSessionsAsync() => _app.Services.GetRequiredService<SequentBus>().Sessions.CloseAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>A clock that only a test moves must not keep the bus from running out of patience with whoever does not go.</summary>
    private async Task StopAsync()
    {
        var stopping = _app.StopAsync();
        if (_time is FakeTimeProvider time)
        {
            await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(2)));
            await time.AdvanceUntilAsync(stopping, TimeSpan.FromSeconds(1));
        }

        await stopping;
    }
}
