using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing.Tests.Faults;

public sealed record Ordered(int Number, string From, string To);

public sealed record Taken(int Number);

public sealed record Given(int Number);

public sealed record Tally(int Events) : IState<Tally>
{
    public static Tally Initial { get; } = new(0);

    public static Tally Apply(Tally state, RecordedEvent e) => new(state.Events + 1);
}

/// <summary>How often a handler ran on an event that the bus had handed out before.</summary>
public sealed class Redeliveries
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Add() => Interlocked.Increment(ref _count);
}

/// <summary>Reads two keys and appends to both: as a transfer does.</summary>
public sealed class OrderedHandler(Interruption interruption, Redeliveries redeliveries) : IEventHandler<Ordered>
{
    public async Task HandleAsync(EventContext<Ordered> context, CancellationToken cancellationToken)
    {
        if (context.Redelivered)
            redeliveries.Add();
        try
        {
            await interruption.BeforeAsync(context, cancellationToken);
            var order = context.Data;
            await context.ReadAsync<Tally>(order.From, cancellationToken);
            await context.ReadAsync<Tally>(order.To, cancellationToken);
            context.Append(order.From, new Taken(order.Number));
            context.Append(order.To, new Given(order.Number));
            await interruption.DecidedAsync(context, cancellationToken);
        }
        finally
        {
            interruption.Left(context);
        }
    }
}

/// <summary>
/// 1,000 publishes over 50 keys by two clients, and two instances that handle each of them by reading two keys and appending to both. Whatever the
/// test does meanwhile, in the end every publish had a receipt and every order its one effect, in the order of its key.
/// </summary>
internal sealed class Workload(SequentTestBus bus, CancellationToken cancellationToken)
{
    public const int Orders = 1_000;

    private const int Keys = 50;
    private const int Publishers = 10;

    /// <summary>One for each key of a publisher.</summary>
    private const int InFlight = Keys / Publishers;

    private readonly ConcurrentDictionary<int, Receipt> _receipts = [];

    private readonly SemaphoreSlim _mayPublish = new(0);
    private readonly Redeliveries _redeliveries = new();
    private int _allowed;

    /// <summary>How often a handler ran on an event that had been handed out before.</summary>
    public int Redelivered => _redeliveries.Count;

    /// <summary>How many orders have their effect so far.</summary>
    public async Task<int> CountEffectsAsync() => (await bus.EventsAsync(type: nameof(Taken), cancellationToken: cancellationToken)).Count;

    /// <summary>One instance more, which takes part when this returns: whoever is late finds the keys with others, where they stay.</summary>
    public async Task<SequentTestService> StartInstanceAsync(Interruption? interruption = null, TimeProvider? time = null)
    {
        var service = await bus.StartServiceAsync(
            "worker",
            service =>
            {
                service.Services.AddSingleton(interruption ?? new Interruption()).AddSingleton(_redeliveries);
                service.AddHandler<OrderedHandler, Ordered>().AddEvent<Taken>().AddEvent<Given>().AddHealthCheck();
            },
            options => (options.Instance, options.TimeProvider) = ($"i{Guid.NewGuid():N}", time ?? TimeProvider.System),
            cancellationToken);
        var health = service.Services.GetRequiredService<HealthCheckService>();
        await UntilAsync(Task.CompletedTask, async () => (await health.CheckHealthAsync(cancellationToken)).Status == HealthStatus.Healthy);
        return service;
    }

    /// <summary>Lets so many further orders be published.</summary>
    public void Allow(int orders)
    {
        _allowed += orders;
        _mayPublish.Release(orders);
    }

    /// <summary>Whether every order that was allowed has its effect.</summary>
    public async Task<bool> IsIdleAsync() => await CountEffectsAsync() >= Math.Min(_allowed, Orders);

    /// <summary>Publishes everything as it is allowed; each key by one publisher, one after the other, and several keys at once.</summary>
    public async Task PublishAllAsync(TimeProvider? time = null)
    {
        SequentClient[] clients = [NewClient(time), NewClient(time)];
        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(() => PublishAsync(clients[publisher % 2], publisher))));
    }

    /// <summary>How many orders were published and got their effects so far, counted together.</summary>
    public async Task<int> CountProgressAsync() => _receipts.Count + await CountEffectsAsync();

    /// <summary>Waits for what nothing announces, unless something fails meanwhile.</summary>
    public async Task UntilAsync(Task publishing, Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            if (publishing.IsFaulted)
                await publishing;
            await Task.Delay(2, cancellationToken);
        }
    }

    /// <summary>Everything is as it must be.</summary>
    public async Task CheckAsync()
    {
        bus.Faults.EndAll();
        await bus.StartAgainAsync(cancellationToken);
        bus.Patience = TimeSpan.FromSeconds(60);
        await bus.WaitUntilSettledAsync("worker", cancellationToken);
        var log = await bus.EventsAsync(cancellationToken: cancellationToken);
        CheckPublished(log);
        CheckEffects(log);
        Assert.That(log.Select(e => e.EventId).Distinct().Count(), Is.EqualTo(log.Count), "no event is stored twice under one id");
        Assert.That(await bus.DeadLettersAsync("worker", cancellationToken), Is.Empty);
    }

    private SequentClient NewClient(TimeProvider? time) => bus.CreateClient(configure: o =>
    {
        o.Events.Add<Ordered>();
        o.TimeProvider = time ?? TimeProvider.System;
    });

    private async Task PublishAsync(SequentClient client, int publisher)
    {
        for (var number = publisher; number < Orders; number += Publishers * InFlight)
            await Task.WhenAll(Enumerable.Range(0, InFlight).Select(i => PublishOneAsync(client, number + (i * Publishers))));
    }

    private async Task PublishOneAsync(SequentClient client, int number)
    {
        await _mayPublish.WaitAsync(cancellationToken);
        var order = new Ordered(number, $"account-{number * 7 % Keys}", $"account-{((number * 7) + 1 + (number % (Keys - 1))) % Keys}");
        _receipts[number] = await client.PublishAsync(order, KeyOf(number), cancellationToken: cancellationToken);
    }

    private static string KeyOf(int number) => $"order-{number % Keys}";

    private void CheckPublished(IReadOnlyList<RecordedEvent> log)
    {
        Assert.That(_receipts, Has.Count.EqualTo(Orders), "every publish has its receipt");
        foreach (var (number, receipt) in _receipts)
        {
            var e = log[(int)receipt.Position!.Value - 1];
            Assert.That((receipt.Status, e.EventId, ((Ordered)e.Data).Number), Is.EqualTo((ReceiptStatus.Success, (Guid?)receipt.EventId, number)), "a receipt names the place of its event");
        }

        Assert.That(log.Count(e => e.EventType == nameof(Ordered)), Is.EqualTo(Orders));
    }

    private static void CheckEffects(IReadOnlyList<RecordedEvent> log)
    {
        var effects = log.Where(e => e.EventType is nameof(Taken) or nameof(Given)).ToArray();
        Assert.That(effects.Where(e => e.Data is Taken).Select(e => ((Taken)e.Data).Number), Is.EquivalentTo(Enumerable.Range(0, Orders)), "each order took once");
        Assert.That(effects.Where(e => e.Data is Given).Select(e => ((Given)e.Data).Number), Is.EquivalentTo(Enumerable.Range(0, Orders)), "and gave once");

        // Orders of a key have rising numbers, because one publisher sent them one after the other; so must have their effects.
        foreach (var ofKey in effects.Where(e => e.Data is Taken).GroupBy(e => KeyOf(((Taken)e.Data).Number)))
            Assert.That(ofKey.Select(e => ((Taken)e.Data).Number), Is.Ordered, $"the order of {ofKey.Key} is kept");
    }
}
