using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

/// <summary>Everything at once while connections are lost all the time.</summary>
internal sealed class ChaosTests : HostTest
{
    private static readonly string[] Keys = ["a", "b", "c", "d", "e"];

    [Test]
    public async Task Publishes_and_units_take_effect_exactly_once()
    {
        SequentClient[] clients = [Client, NewClient(), NewClient()];
        var stored = new ConcurrentBag<(string Key, uint Value)>();

        await WhileConnectionsAreLostAsync(Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
        {
            var (client, key) = (clients[i % clients.Length], Keys[i % Keys.Length]);
            if (i % 2 == 0)
            {
                var receipt = await client.PublishAsync(new Deposited(1m), key, cancellationToken: Token);
                stored.Add((receipt.Key, receipt.Value!.Value));
                return;
            }

            var result = await client.UpdateAsync(
                async (unit, ct) =>
                {
                    await unit.ReadAsync<Account>(key, ct);
                    unit.Append(key, new Deposited(1m));
                },
                cancellationToken: Token);
            stored.Add((result.Receipts[0].Key, result.Receipts[0].Value!.Value));
        })));

        var events = await EventsOfAsync(Keys);
        Assert.That(stored, Is.EquivalentTo(events.Select(e => (e.Key, e.Value))));
        Assert.That(events, Has.Count.EqualTo(300));
    }

    [Test]
    public async Task Every_event_is_handled_to_exactly_one_effect_and_projected_once()
    {
        var sums = new Sums();
        await StartHostAsync(b => b.AddHandler<Transfer, Deposited>());
        await StartHostAsync(b =>
        {
            b.Services.AddSingleton(sums);
            b.AddHandler<Transfer, Deposited>().AddProjection<Sums>();
        });

        for (var i = 0; i < 100; i++)
            await Client.PublishAsync(new Deposited(i), Keys[i % Keys.Length], cancellationToken: Token);

        await WhileConnectionsAreLostAsync(UntilAsync(() => sums.Count >= 200, "all is handled and projected"));

        var results = await EventsOfAsync([.. Keys.Select(k => $"out-{k}")]);
        Assert.That(results, Has.Count.EqualTo(100));
        foreach (var key in Keys)
        {
            var amounts = results.Where(e => e.Key == $"out-{key}").Select(e => ((Withdrawn)e.Data).Amount);
            Assert.That(amounts, Is.Ordered, "the effects are in the order of their causes");
        }

        Assert.That(sums.Count, Is.EqualTo(200));
    }

    /// <summary>Often enough to meet everything half-way, seldom enough that something gets through.</summary>
    private async Task WhileConnectionsAreLostAsync(Task work)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(60));
        for (var i = 0; i < 25 && !work.IsCompleted; i++)
        {
            Bus.CutAll();
            await timer.WaitForNextTickAsync(Token);
        }

        await work.WaitAsync(Token);
    }

    private sealed class Transfer : IEventHandler<Deposited>
    {
        public async Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken)
        {
            await context.ReadAsync<Count>($"out-{context.Key}", cancellationToken);
            context.Append($"out-{context.Key}", new Withdrawn(context.Data.Amount));
        }
    }

    /// <summary>Counts events, in memory; fails if it ever gets one twice or leaves one out.</summary>
    private sealed class Sums : IProjection
    {
        private Checkpoint? _checkpoint;
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => ValueTask.FromResult(_checkpoint);

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
        {
            var position = _checkpoint?.Position ?? 0;
            foreach (var e in events)
                Assert.That(e.Position, Is.EqualTo(++position));
            Assert.That(from, Is.EqualTo(_checkpoint));
            _checkpoint = to;
            Interlocked.Add(ref _count, events.Count);
            return ValueTask.FromResult(true);
        }

        public ValueTask ResetAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("The log is the same.");
    }
}
