using Sequent.Client;

namespace Sequent.Testing.Tests;

public class StopTests : BusTest
{
    [Test]
    public async Task The_log_and_the_address_outlive_a_stop()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        var (address, log) = (bus.Address, (await client.ConnectAsync(Token)).LogId);
        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        await bus.StopAsync(Token);
        Assert.That((bus.IsRunning, (await bus.EventsAsync()).Count), Is.EqualTo((false, 1)));
        await bus.StartAgainAsync(Token);

        Assert.That((bus.IsRunning, bus.Address), Is.EqualTo((true, address)));
        Assert.That(await client.PublishAsync(new Deposited(2m), "acc-7", cancellationToken: Token), Has.Property("Value").EqualTo(1));
        Assert.That((await client.ConnectAsync(Token)).LogId, Is.EqualTo(log));
    }

    [Test]
    public async Task What_is_owed_outlives_a_stop_and_what_is_settled_does_not_come_again()
    {
        await using var bus = await StartBusAsync();
        var handled = new List<decimal>();
        await using (await HandleDepositsAsync(bus, context => handled.Add(context.Data.Amount)))
        {
            await bus.PublishAsync(new Deposited(1m), "acc-7");
            await bus.WaitUntilSettledAsync("accounts", Token);
        }

        await bus.PublishAsync(new Deposited(2m), "acc-7");
        await bus.StopAsync(Token);
        await bus.StartAgainAsync(Token);
        await using var again = await HandleDepositsAsync(bus, context => handled.Add(context.Data.Amount));
        await bus.WaitUntilSettledAsync("accounts", Token);

        Assert.That(handled, Is.EqualTo(new[] { 1m, 2m }));
    }

    [Test]
    public async Task A_publish_while_the_bus_is_stopped_waits_for_it_and_the_tests_own_says_so()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await bus.StopAsync(Token);

        var publish = client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        await Assert.ThatAsync(() => bus.PublishAsync(new Deposited(2m), "acc-7"), Throws.InvalidOperationException.With.Message.Contains("StartAgainAsync"));
        await bus.StartAgainAsync(Token);

        Assert.That(await publish, Has.Property("Position").EqualTo(1));
    }

    [Test]
    public async Task A_kill_loses_acks_that_were_not_saved_and_nothing_that_had_a_receipt()
    {
        // The clock stands, so nothing is saved before the kill.
        await using var bus = await StartBusAsync(freezeTime: true);
        var deliveries = 0;
        await using var service = await HandleDepositsAsync(bus, _ => Interlocked.Increment(ref deliveries));
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        await bus.KillAsync();
        Assert.That(bus.IsRunning, Is.False);
        await bus.StartAgainAsync(Token);
        await bus.WaitUntilSettledAsync("accounts", Token);

        Assert.That(deliveries, Is.EqualTo(2));
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m) }));
    }

    [Test]
    public async Task A_stop_loses_no_ack()
    {
        await using var bus = await StartBusAsync(freezeTime: true);
        var deliveries = 0;
        await using var service = await HandleDepositsAsync(bus, _ => Interlocked.Increment(ref deliveries));
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        await bus.StopAsync(Token);
        await bus.StartAgainAsync(Token);
        await bus.PublishAsync(new Deposited(2m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        Assert.That(deliveries, Is.EqualTo(2));
    }

    [Test]
    public async Task A_kill_meets_what_the_store_is_about_to_store()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        bus.Faults.SlowStore(TimeSpan.FromMinutes(1));
        var publish = client.PublishAsync(new Deposited(2m), "acc-7", cancellationToken: Token);

        await bus.KillAsync();
        bus.Faults.HealStore();
        Assert.That((publish.IsCompleted, (await bus.EventsAsync()).Count), Is.EqualTo((false, 1)));
        await bus.StartAgainAsync(Token);

        Assert.That(await publish, Has.Property("Position").EqualTo(2));
    }

    [Test]
    public async Task A_bus_whose_clock_stands_stops_although_a_handler_holds_an_event()
    {
        await using var bus = await StartBusAsync(freezeTime: true, configure: o => o.Bus.DrainTime = TimeSpan.FromMilliseconds(100));
        var started = new TaskCompletionSource();
        await using var service = await HandleDepositsAsync(bus, async (_, ct) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await started.Task.WaitAsync(Token);

        await bus.StopAsync(Token).WaitAsync(Token);

        Assert.That(bus.IsRunning, Is.False);
    }

    [Test]
    public async Task Stops_starts_and_kills_may_be_repeated()
    {
        await using var bus = await StartBusAsync();

        await bus.StartAgainAsync(Token);
        await bus.StopAsync(Token);
        await bus.StopAsync(Token);
        await bus.KillAsync();
        await bus.StartAgainAsync(Token);
        await bus.KillAsync();
        await bus.KillAsync();

        Assert.That(bus.IsRunning, Is.False);
    }

    [Test]
    public async Task What_a_test_forgot_to_dispose_ends_with_the_bus()
    {
        var bus = await StartBusAsync();
        var client = bus.CreateClient();
        await client.ConnectAsync(Token);
        var service = await HandleDepositsAsync(bus, _ => { });

        await bus.DisposeAsync();

        Assert.That(client.State, Is.EqualTo(ConnectionState.Closed));
        Assert.That(() => service.Services.GetService(typeof(SequentClient)), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => bus.CreateClient(), Throws.TypeOf<ObjectDisposedException>());
        await service.DisposeAsync();
        await client.DisposeAsync();
        await bus.DisposeAsync();
    }
}
