using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing.Tests;

/// <summary>A tour of the SDK: what a service team writes first, as it would write it, against a bus that runs.</summary>
public sealed class TourTests
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    private CancellationToken Token => _limit.Token;

    [TearDown]
    public void EndLimit() => _limit.Dispose();

    [Test]
    public async Task Publish_and_decide()
    {
        await using var bus = await SequentTestBus.StartAsync();
        var ct = Token;

        // Publish.
        await using var client = new SequentClient(bus.Address.ToString());
        Receipt first = await client.PublishAsync(new Tour.Deposited(50m), "acc-7", cancellationToken: ct); // the next value, whatever it is
        Receipt second = await client.PublishAsync(new Tour.Withdrawn(20m), Sequence.At("acc-7", 1), cancellationToken: ct); // exactly this one
        Receipt conflict = await client.TryPublishAsync(new Tour.Withdrawn(20m), Sequence.At("acc-7", 1), cancellationToken: ct); // a conflict as a value
        Assert.That((first.Value, second.Value, conflict.Status, conflict.Expected), Is.EqualTo(((uint?)0, (uint?)1, ReceiptStatus.Inconsistent, (uint?)2)));
        await Assert.ThatAsync(() => client.PublishAsync(new Tour.Withdrawn(20m), Sequence.At("acc-7", 1), cancellationToken: ct), Throws.TypeOf<SequenceConflictException>());

        // Many at once, each on its own; or all or none.
        await client.PublishAllAsync([new(new Tour.Deposited(1m), "acc-1"), new(new Tour.Deposited(2m), "acc-2")], ct);
        await client.PublishAtomicAsync([new(new Tour.Withdrawn(1m), "acc-1"), new(new Tour.Deposited(1m), "acc-2")], cancellationToken: ct);

        // Decide: read, append, commit as one; on a conflict it runs again with fresh reads.
        UpdateResult result = await client.UpdateAsync(
            async (unit, ct) =>
            {
                var account = await unit.ReadAsync<Tour.Account>("acc-7", ct); // the fold of the key's events, never stale at commit
                unit.Append("acc-7", account.Withdraw(20m)); // or throw: nothing is appended
            },
            cancellationToken: ct);
        Assert.That((result.Receipts.Count, (await client.ReadAsync<Tour.Account>("acc-7", ct)).State.Balance), Is.EqualTo((1, 10m)));
    }

    [Test]
    public async Task Look_back_and_follow()
    {
        await using var bus = await SequentTestBus.StartAsync();
        await using var client = bus.CreateClient();
        await bus.PublishAsync(new Tour.Deposited(50m), "acc-7");
        var yesterday = DateTimeOffset.UtcNow.AddDays(-1);
        var (checkpoint, ct) = (0L, Token);

        var past = new List<RecordedEvent>();
        await foreach (RecordedEvent e in client.QueryAsync(new EventQuery { Types = ["Deposited"], Since = yesterday }, ct))
            past.Add(e);
        Assert.That(past, Has.Count.EqualTo(1));

        var seen = new List<string>();
        await foreach (FollowItem item in client.FollowAsync(new EventQuery { After = checkpoint }, ct))
        {
            seen.Add(item is EventPage page ? $"{page.Events.Count} event" : "caught up");
            if (item is CaughtUp)
                await bus.PublishAsync(new Tour.Deposited(1m), "acc-7");
            else if (seen.Count > 1)
                break;
        }

        Assert.That(seen, Is.EqualTo(new[] { "1 event", "caught up", "1 event" }));
    }

    [Test]
    public async Task Take_part_by_hand()
    {
        await using var bus = await SequentTestBus.StartAsync();
        await using var client = bus.CreateClient();
        await bus.PublishAsync(new Tour.PendingTransaction("acc-7", "acc-8", 5m), "tx-1");
        var ct = Token;

        await foreach (Delivery d in client.SubscribeAsync(new("accounts") { Types = ["PendingTransaction"], Start = Start.Earliest }, ct))
        {
            await d.AckAsync(ct);
            break;
        }

        await bus.WaitUntilSettledAsync("accounts", ct);
    }

    [Test]
    public async Task Take_part_in_a_host()
    {
        await using var bus = await SequentTestBus.StartAsync();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSequent(o => { o.Server = bus.Address; o.ClientType = "accounts"; o.Start = Start.Earliest; })
            .AddHandler<Tour.PendingTransactionHandler, Tour.PendingTransaction>()
            .AddProjection<Tour.BalancesProjection>()
            .AddEvent<Tour.Deposited>().AddEvent<Tour.Withdrawn>().AddEvent<Tour.RejectedTransaction>().AddEvent<Tour.AcceptedTransaction>();
        using var host = builder.Build();
        await host.StartAsync(Token);

        await bus.PublishAsync(new Tour.Deposited(50m), "acc-7");
        await bus.PublishAsync(new Tour.PendingTransaction("acc-7", "acc-8", 30m), "tx-1");
        await bus.WaitUntilSettledAsync("accounts", Token); // or the other one, whose key is another, might be first
        await bus.PublishAsync(new Tour.PendingTransaction("acc-7", "acc-8", 30m), "tx-2");
        await bus.WaitUntilSettledAsync("accounts", Token);
        var last = (await bus.EventsAsync("acc-8", cancellationToken: Token))[^1].Position;
        await host.Services.GetRequiredService<ProjectionProgress<Tour.BalancesProjection>>().WaitForAsync(last, Token);

        Assert.That(await bus.PublishedAsync<Tour.AcceptedTransaction>("tx-1"), Has.Count.EqualTo(1));
        Assert.That(await bus.PublishedAsync<Tour.RejectedTransaction>("tx-2"), Is.EqualTo(new[] { new Tour.RejectedTransaction("insufficient_funds") }));
        Assert.That(host.Services.GetRequiredService<Tour.BalancesProjection>().Balances, Is.EqualTo(new Dictionary<string, decimal> { ["acc-7"] = 20m, ["acc-8"] = 30m }));
        await host.StopAsync(Token);
    }

    [Test]
    public async Task Test_a_service()
    {
        await using var bus = await SequentTestBus.StartAsync();
        var client = bus.CreateClient("accounts");
        bus.Faults.DropConnections();
        bus.Faults.RejectNext("acc-7");
        bus.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That((await client.TryPublishAsync(new Tour.Deposited(1m), "acc-7", cancellationToken: Token)).Status, Is.EqualTo(ReceiptStatus.Inconsistent));
    }
}
