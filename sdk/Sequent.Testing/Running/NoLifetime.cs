using Microsoft.Extensions.Hosting;

namespace Sequent.Testing.Running;

/// <summary>Lets a host live as long as the test says: Ctrl-C belongs to the test runner.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
