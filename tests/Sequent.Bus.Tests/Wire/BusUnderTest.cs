using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Wire;

/// <summary>A bus on a free port of this machine, in memory or on a file.</summary>
internal sealed class BusUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BusUnderTest(WebApplication app, Uri address) => (_app, Address) = (app, address);

    public Uri Address { get; }

    public static async Task<BusUnderTest> StartAsync(Action<SequentBusOptions>? configure = null, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (time is not null)
            builder.Services.AddSingleton(time);
        builder.Services.AddSequentBus(o =>
        {
            o.DataFile = null;
            configure?.Invoke(o);
        });
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapSequentAdmin();
        app.MapSequentBus("/{**path}");
        await app.StartAsync();
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new BusUnderTest(app, new Uri(url.Replace("http://", "ws://", StringComparison.Ordinal)));
    }

    public Task<WireClient> ConnectV1Async() => WireClient.ConnectAsync(Address, ProtocolVersion.V1);

    public async Task<WireClient> ConnectV2Async()
    {
        var client = await WireClient.ConnectAsync(Address, ProtocolVersion.V2);
        client.Hello = await client.ReceiveAsync("hello");
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
