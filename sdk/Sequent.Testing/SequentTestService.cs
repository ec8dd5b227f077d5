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

    /// <summary>Ends as a crash does, as far as that is possible inside a process: running handlers are cancelled, and nothing they hold is settled.</summary>
    public ValueTask KillAsync() => EndAsync(new CancellationToken(canceled: true));

    /// <summary>Stops as a service does: running handlers finish, for up to 5 s, and their events are acked.</summary>
    public ValueTask DisposeAsync() => EndAsync(CancellationToken.None);

    private async ValueTask EndAsync(CancellationToken patience)
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _host.StopAsync(patience).ConfigureAwait(false);
        await ((IAsyncDisposable)_host).DisposeAsync().ConfigureAwait(false);
    }
}
