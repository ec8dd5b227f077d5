using Microsoft.Extensions.Hosting;
using Sequent.Testing.Faults;

namespace Sequent.Testing;

/// <summary>A service inside the test process, with handlers and projections that run.</summary>
public sealed class SequentTestService : IAsyncDisposable
{
    /// <summary>How long what is left of a killed service is waited for: nobody waits for a process that crashed either.</summary>
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    private readonly IHost _host;
    private readonly WireFaults _faults;
    private readonly LinkGroup _links;
    private readonly Lock _lock = new();
    private Task? _ending;

    internal SequentTestService(IHost host, WireFaults faults, LinkGroup links) => (_host, _faults, _links) = (host, faults, links);

    /// <summary>What was registered: <see cref="Client.ISequentClient"/>, and whatever the test added.</summary>
    public IServiceProvider Services => _host.Services;

    internal Task StartAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    /// <summary>
    /// Holds everything on the connections of the service, both ways, as if its process were stopped (<c>SIGSTOP</c>), until
    /// <see cref="ResumeConnections"/> or <see cref="BusFaults.EndAll"/>. The code of the service goes on: what its handlers do meanwhile, and its clock,
    /// is up to the test. As on any connection on which nothing moves, keep-alive ends those that are held for 15 to 30 s.
    /// </summary>
    public void PauseConnections() => _links.Gate.Close();

    /// <summary>Lets go what is held, in order.</summary>
    public void ResumeConnections() => _links.Gate.Open();

    /// <summary>
    /// Ends as a crash does, as far as that is possible inside a process: its connections end without a goodbye, and it gets no others; what it holds is
    /// not settled and goes to other instances. Then running handlers are cancelled, and left behind if they do not end within 2 s.
    /// </summary>
    public ValueTask KillAsync()
    {
        _faults.Kill(_links);
        return new(EndOnceAsync(() => Task.WhenAny(StopAsync(new CancellationToken(canceled: true)), Task.Delay(KillPatience, TimeProvider.System))));
    }

    /// <summary>Stops as a service does: running handlers finish, for up to 5 s, and their events are acked. Connections that are paused go on.</summary>
    public ValueTask DisposeAsync()
    {
        ResumeConnections();
        return new(EndOnceAsync(() => StopAsync(CancellationToken.None)));
    }

    /// <summary>Whoever ends it a second time waits for the first.</summary>
    private Task EndOnceAsync(Func<Task> end)
    {
        lock (_lock)
            return _ending ??= Task.Run(end, CancellationToken.None);
    }

    private async Task StopAsync(CancellationToken patience)
    {
        await _host.StopAsync(patience).ConfigureAwait(false);
        await ((IAsyncDisposable)_host).DisposeAsync().ConfigureAwait(false);
    }
}
