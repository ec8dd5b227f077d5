using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Sequent.Client;
using Sequent.Testing.Running;

namespace Sequent.Testing;

/// <summary>Services that take part in the bus from within the test.</summary>
public sealed partial class SequentTestBus
{
    /// <summary>How long a service may take to stop.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Starts a service: an empty host with nothing in it but <c>AddSequent</c> and what the test adds. It starts with the first event of the log, and
    /// logs nothing. Dispose it to stop it; if it is forgotten, it stops with the bus. A service with a host of its own needs only <see cref="Address"/>.
    /// </summary>
    /// <param name="clientType">The name of the service. Several of one name share its events, as instances do.</param>
    /// <param name="add">Adds handlers and projections, and by <see cref="SequentBuilder.Services"/> what they need.</param>
    /// <param name="configure">Sets further options.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="OptionsValidationException">An option is not usable; the message names it and the remedy.</exception>
    public async Task<SequentTestService> StartServiceAsync(
        string clientType, Action<SequentBuilder> add, Action<SequentOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(clientType);
        ArgumentNullException.ThrowIfNull(add);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = ShutdownTimeout);
        var links = _host.WireFaults.NewGroup();
        add(builder.Services.AddSequent(options => Configure(options, _host.AddressOf(links), o =>
        {
            (o.ClientType, o.Start) = (clientType, Start.Earliest);
            configure?.Invoke(o);
        })));
        var service = Use(new SequentTestService(builder.Build(), _host.WireFaults, links));
        await service.StartAsync(cancellationToken).ConfigureAwait(false);
        return service;
    }
}
