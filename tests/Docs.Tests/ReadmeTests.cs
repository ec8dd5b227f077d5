using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Client;
using Sequent.Testing;

namespace Docs.Tests;

/// <summary>The code of README.md.</summary>
public class ReadmeTests
{
    [Test]
    public async Task A_client_connects_when_it_is_first_used()
    {
        var options = new SequentOptions { Server = new("ws://localhost:8081") };
        options.Events.Add<Deposited>().Add<Withdrawn>();
        await using var client = new SequentClient(options);

        Assert.That(client.State, Is.EqualTo(ConnectionState.Idle));
    }

    [Test]
    public async Task Publish_and_decide()
    {
        await using var bus = await SequentTestBus.StartAsync();
        var client = bus.CreateClient(configure: o => o.Events.Add<Deposited>().Add<Withdrawn>());

        // Publish under a key. The receipt means: on disk, in this place.
        Receipt receipt = await client.PublishAsync(new Deposited(50m), "acc-7");
        Console.WriteLine($"{receipt.Key} has value {receipt.Value} at position {receipt.Position}");

        // Decide: read, append, commit as one. If anybody else moved the key meanwhile, this runs again with fresh state.
        await client.UpdateAsync(async (unit, ct) =>
        {
            var account = await unit.ReadAsync<Account>("acc-7", ct);
            if (account.Balance >= 20m)
                unit.Append("acc-7", new Withdrawn(20m));
        });

        Assert.That((await client.ReadAsync<Account>("acc-7")).State.Balance, Is.EqualTo(30m));
    }

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

public sealed record Deposited(decimal Amount);
public sealed record Withdrawn(decimal Amount);

public sealed record Account(decimal Balance) : IState<Account>
{
    public static Account Initial => new(0m);
    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        Deposited d => new(state.Balance + d.Amount),
        Withdrawn w => new(state.Balance - w.Amount),
        _ => state,
    };
}
