using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Client;

namespace Docs.Tests;

/// <summary>The code of README.md after its first program.</summary>
public class ReadmeTests
{
    [Test]
    public void Take_part()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());

        builder.Services.AddSequent(o => { o.Server = new("ws://localhost:8081"); o.ClientType = "accounts"; o.Start = Start.Earliest; })
            .AddHandler<PendingTransactionHandler, PendingTransaction>()
            .AddProjection<StatementsProjection>();

        using var host = builder.Build();
        Assert.That(host.Services.GetRequiredService<ISequentClient>().State, Is.EqualTo(ConnectionState.Idle));
    }

    public sealed record PendingTransaction(string From, string To, decimal Amount);

    public sealed class PendingTransactionHandler : IEventHandler<PendingTransaction>
    {
        public Task HandleAsync(EventContext<PendingTransaction> context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    public sealed class StatementsProjection : IProjection
    {
        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => default;

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken) => new(true);

        public ValueTask ResetAsync(CancellationToken cancellationToken) => default;
    }
}
