using Microsoft.Extensions.DependencyInjection;
using Sequent.Client;

namespace Sequent.Testing.Tests;

/// <summary>What happens to one service alone: a crash, and a freeze.</summary>
public class ServiceFaultTests : BusTest
{
    [Test]
    public async Task A_handler_whose_process_dies_after_its_batch_was_stored_and_before_the_ack_does_not_run_again()
    {
        await using var bus = await StartBusAsync();
        var runs = 0;
        Action<EventContext<Deposited>> withdraw = context =>
        {
            Interlocked.Increment(ref runs);
            context.Append("acc-8", new Withdrawn(context.Data.Amount));
        };
        var mortal = await HandleDepositsAsync(bus, withdraw);
        bus.Faults.DelayReceipts(TimeSpan.FromMinutes(1));
        var receipt = await bus.PublishAsync(new Deposited(1m), "acc-7");
        await UntilAsync(async () => (await bus.PublishedAsync<Withdrawn>()).Count == 1, "its batch is stored");

        await mortal.KillAsync();
        bus.Faults.EndAll();
        bus.Patience = TimeSpan.FromMilliseconds(300);
        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", receipt, Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("No instances are live"), "it is still owed");

        bus.Patience = TimeSpan.FromSeconds(10);
        await using var heir = await HandleDepositsAsync(bus, withdraw);
        await bus.WaitUntilSettledAsync("accounts", receipt, Token);
        Assert.That((runs, (await bus.PublishedAsync<Withdrawn>()).Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task A_killed_service_settles_nothing_and_another_gets_its_events_again()
    {
        await using var bus = await StartBusAsync();
        var started = new TaskCompletionSource();
        var mortal = await HandleDepositsAsync(bus, async (_, ct) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await started.Task.WaitAsync(Token);

        await mortal.KillAsync();
        await mortal.KillAsync();
        await mortal.DisposeAsync();

        var seen = new List<(int Attempt, bool Redelivered)>();
        await using var heir = await HandleDepositsAsync(bus, context => seen.Add((context.Attempt, context.Redelivered)));
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(seen, Is.EqualTo(new[] { (1, true) }), "a crash is no failure of the event");
    }

    [Test]
    public async Task A_killed_service_does_not_send_what_it_had_yet_to_say()
    {
        await using var bus = await StartBusAsync();
        var runs = 0;
        var gate = new TaskCompletionSource();
        var mortal = await HandleDepositsAsync(bus, async (_, ct) =>
        {
            Interlocked.Increment(ref runs);
            await gate.Task.WaitAsync(ct);
        });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await UntilAsync(() => runs == 1, "the handler runs");

        // The ack is on its way when the process dies.
        mortal.PauseConnections();
        gate.SetResult();
        await mortal.KillAsync();

        await using var heir = await HandleDepositsAsync(bus, _ => Interlocked.Increment(ref runs));
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(runs, Is.EqualTo(2));
    }

    [Test]
    public async Task A_killed_service_ends_although_a_publish_of_it_waits()
    {
        await using var bus = await StartBusAsync();
        var mortal = await HandleDepositsAsync(bus, _ => { });
        var client = mortal.Services.GetRequiredService<ISequentClient>();
        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        mortal.PauseConnections();
        var publish = client.PublishAsync(new Deposited(2m), "acc-7", cancellationToken: Token);

        await mortal.KillAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), Token);

        await Assert.ThatAsync(() => publish.WaitAsync(Token), Throws.Exception);
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m) }));
    }

    [Test]
    public async Task What_is_paused_passes_in_order_when_it_is_resumed_and_nobody_else_is_held_up()
    {
        await using var bus = await StartBusAsync();
        var handled = new List<decimal>();
        await using var service = await HandleDepositsAsync(bus, context => handled.Add(context.Data.Amount));
        var client = service.Services.GetRequiredService<ISequentClient>();
        await client.PublishAsync(new Withdrawn(0m), "acc-7", cancellationToken: Token);

        service.PauseConnections();
        var publishes = Enumerable.Range(1, 5).Select(i => client.PublishAsync(new Withdrawn(i), "acc-7", cancellationToken: Token)).ToArray();
        for (var i = 1; i <= 5; i++)
            await bus.PublishAsync(new Deposited(i), "acc-8");
        Assert.That((handled.Count, (await bus.EventsAsync("acc-7")).Count, publishes.Any(p => p.IsCompleted)), Is.EqualTo((0, 1, false)));

        service.ResumeConnections();
        await Task.WhenAll(publishes);
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That((await bus.PublishedAsync<Withdrawn>()).Select(e => e.Amount), Is.EqualTo(new[] { 0m, 1m, 2m, 3m, 4m, 5m }));
        Assert.That(handled, Is.EqualTo(new[] { 1m, 2m, 3m, 4m, 5m }));
        Assert.That(bus.Faults.DroppedConnections, Is.Zero);
    }

    [Test]
    public async Task Ending_all_faults_resumes_and_a_service_that_is_paused_can_be_disposed_of()
    {
        await using var bus = await StartBusAsync();
        var handled = 0;
        await using var service = await HandleDepositsAsync(bus, _ => Interlocked.Increment(ref handled));
        service.PauseConnections();
        await bus.PublishAsync(new Deposited(1m), "acc-7");

        bus.Faults.EndAll();
        await bus.WaitUntilSettledAsync("accounts", Token);
        service.PauseConnections();
        await service.DisposeAsync().AsTask().WaitAsync(Token);

        Assert.That(handled, Is.EqualTo(1));
    }

    [Test]
    public async Task A_bus_stops_and_dies_although_a_service_is_paused()
    {
        await using var bus = await StartBusAsync();
        var handled = new List<decimal>();
        await using var service = await HandleDepositsAsync(bus, context => handled.Add(context.Data.Amount));
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        service.PauseConnections();
        await bus.StopAsync(Token).WaitAsync(Token);
        await bus.StartAgainAsync(Token);
        await bus.KillAsync().WaitAsync(Token);
        await bus.StartAgainAsync(Token);
        service.ResumeConnections();

        await bus.PublishAsync(new Deposited(2m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(handled, Does.Contain(2m));
    }
}
