using Microsoft.Extensions.Hosting;

namespace Sequent.Testing;

/// <summary>A service inside the test process, with handlers and projections that run.</summary>
public sealed class SequentTestService : IAsyncDisposable
{
    private readonly IHost _host;
    private int _isDisposed;

    internal SequentTestService(IHost host) => _host = host;

    /// <summary>What was registered: <see cref="Client.ISequentClient"/>, and whatever the test added.</summary>
    public IServiceProvider Services => _host.Services;

    internal Task StartAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    /// <summary>Stops as a service does: running handlers finish, for up to 5 s, and their events are acked.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _host.StopAsync().ConfigureAwait(false);
        await ((IAsyncDisposable)_host).DisposeAsync().ConfigureAwait(false);
    }
}
