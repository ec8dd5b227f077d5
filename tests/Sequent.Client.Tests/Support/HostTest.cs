using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sequent.Client.Tests.Support;

/// <summary>A test with services that take part in the bus.</summary>
internal abstract class HostTest : BusTest
{
    /// <summary>Starts a service. It stops with the test, if not before.</summary>
    protected async Task<IHost> StartHostAsync(Action<SequentBuilder> add, Action<SequentOptions>? configure = null)
    {
        var host = NewHost(add, configure);
        Use(new Stopping(host));
        await host.StartAsync(Token);
        return host;
    }

    protected IHost NewHost(Action<SequentBuilder> add, Action<SequentOptions>? configure = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddLogging(l => l.ClearProviders());
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(5));
        add(builder.Services.AddSequent(o =>
        {
            (o.Server, o.ClientType, o.Start, o.ReconnectDelayMax) = (Bus.Address, "accounts", Start.Earliest, TimeSpan.FromMilliseconds(100));
            configure?.Invoke(o);
        }));
        return builder.Build();
    }

    private sealed class Stopping(IHost host) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            await ((IAsyncDisposable)host).DisposeAsync();
        }
    }
}
