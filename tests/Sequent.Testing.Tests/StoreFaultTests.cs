using System.Diagnostics;
using Sequent.Bus;
using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing.Tests;

public class StoreFaultTests : BusTest
{
    [Test]
    public async Task A_store_that_fails_takes_nothing_until_it_is_healed()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient(configure: o => o.PublishTimeout = TimeSpan.FromSeconds(1));
        bus.Faults.FailStore();

        await Assert.ThatAsync(() => client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token), Throws.InstanceOf<SequentException>());
        using var raw = await RawClient.ConnectAsync(bus.Address, Token);
        await raw.PublishAsync("acc-7", Token);
        Assert.That(await raw.ReceiveAsync(Token), Does.Contain(ErrorCodes.StoreUnavailable));
        Assert.That(await bus.EventsAsync(), Is.Empty);

        bus.Faults.HealStore();
        Assert.That(await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token), Has.Property("Position").EqualTo(1));
    }

    [Test]
    public async Task What_the_test_publishes_itself_waits_for_the_store_only_so_long()
    {
        await using var bus = await StartBusAsync(patience: TimeSpan.FromMilliseconds(200));
        bus.Faults.FailStore();

        await Assert.ThatAsync(
            () => bus.PublishAsync(new Deposited(1m), "acc-7"),
            Throws.TypeOf<TimeoutException>().With.Message.EqualTo("Publishing to 'acc-7' brought no receipt within 0.2 s. The store is told to fail."));
    }

    [Test]
    public async Task A_client_repeats_what_a_failing_store_did_not_take()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        bus.Faults.FailStore();

        var publish = client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        await UntilAsync(() => bus.Faults.FailedStoreAccesses > 0, "the bus has refused it");
        Assert.That(publish.IsCompleted, Is.False);
        bus.Faults.HealStore();

        Assert.That(await publish, Has.Property("Position").EqualTo(1));
    }

    [Test]
    public async Task A_store_that_is_slow_stores_late_and_at_once_when_it_is_healed()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        bus.Faults.SlowStore(TimeSpan.FromMilliseconds(100));
        var started = Stopwatch.GetTimestamp();
        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        Assert.That(Stopwatch.GetElapsedTime(started), Is.GreaterThan(TimeSpan.FromMilliseconds(90)));

        bus.Faults.SlowStore(TimeSpan.FromMinutes(1));
        var publish = client.PublishAsync(new Deposited(2m), "acc-7", cancellationToken: Token);
        Assert.That((await bus.EventsAsync()).Count, Is.EqualTo(1));
        bus.Faults.HealStore();

        Assert.That(await publish, Has.Property("Position").EqualTo(2));
    }

    [TestCase(-1)]
    [TestCase(60_001)]
    public async Task A_store_cannot_be_slower_than_makes_sense(int ms)
    {
        await using var bus = await StartBusAsync();

        Assert.That(() => bus.Faults.SlowStore(TimeSpan.FromMilliseconds(ms)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public async Task A_bus_does_not_start_on_a_store_that_fails()
    {
        await using var bus = await StartBusAsync();
        await bus.StopAsync(Token);
        bus.Faults.FailStore();

        await Assert.ThatAsync(() => bus.StartAgainAsync(Token), Throws.TypeOf<StoreException>());
        bus.Faults.HealStore();
        await bus.StartAgainAsync(Token);

        Assert.That(bus.IsRunning);
    }
}
