using System.Diagnostics;

namespace Sequent.Testing.Tests;

public class SettlingTests : BusTest
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Test]
    public async Task One_event_can_be_waited_for_whatever_else_is_owed()
    {
        await using var bus = await StartBusAsync();
        var stuck = new TaskCompletionSource();
        await using var service = await HandleDepositsAsync(bus, async (context, ct) =>
        {
            if (context.Key == "stuck")
                await stuck.Task.WaitAsync(ct);
        });
        var first = await bus.PublishAsync(new Deposited(1m), "stuck");
        var second = await bus.PublishAsync(new Deposited(2m), "acc-7");

        await bus.WaitUntilSettledAsync("accounts", second, Token);
        await bus.WaitUntilSettledAsync("accounts", second.Position!.Value, Token);
        bus.Patience = Short;
        await Assert.ThatAsync(
            () => bus.WaitUntilSettledAsync("accounts", Token),
            Throws.TypeOf<TimeoutException>().With.Message.EqualTo(
                "'accounts' has not settled everything up to position 2 within 0.3 s. 1 instance is live. "
                + "The key 'stuck' (Deposited at 1) waits: everything known is in flight and waits for its ack."));

        bus.Patience = TimeSpan.FromSeconds(10);
        stuck.SetResult();
        await bus.WaitUntilSettledAsync("accounts", first, Token);
        await bus.WaitUntilSettledAsync("accounts", Token);
    }

    [Test]
    public async Task A_client_type_that_never_came_is_named_with_those_that_did()
    {
        await using var bus = await StartBusAsync();
        await using var service = await HandleDepositsAsync(bus, _ => { });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        bus.Patience = Short;

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("acounts", Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("it knows 'accounts'. Has the service started?"));
    }

    [Test]
    public async Task That_no_service_came_at_all_is_said()
    {
        await using var bus = await StartBusAsync(patience: Short);

        await Assert.ThatAsync(
            () => bus.WaitUntilSettledAsync("accounts", Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("does not know this client type; it knows none"));
    }

    [Test]
    public async Task A_service_that_has_stopped_shows_as_no_live_instance()
    {
        await using var bus = await StartBusAsync();
        await using (await HandleDepositsAsync(bus, _ => { }))
        {
            await bus.PublishAsync(new Deposited(1m), "acc-7");
            await bus.WaitUntilSettledAsync("accounts", Token);
        }

        var receipt = await bus.PublishAsync(new Deposited(2m), "acc-7");
        bus.Patience = Short;

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", receipt, Token), Throws.TypeOf<TimeoutException>()
            .With.Message.EqualTo("'accounts' has not settled position 2 within 0.3 s. No instances are live, and events after 1 were not looked at yet."));
    }

    [Test]
    public async Task A_stopped_bus_is_named_too()
    {
        await using var bus = await StartBusAsync();
        await bus.StopAsync(Token);
        bus.Patience = Short;

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("The bus is stopped."));
    }

    [Test]
    public async Task What_keeps_a_key_is_told_also_while_the_store_fails()
    {
        await using var bus = await StartBusAsync(patience: Short);
        var started = new TaskCompletionSource();
        await using var service = await HandleDepositsAsync(bus, async (_, ct) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await started.Task.WaitAsync(Token);
        bus.Faults.FailStore();

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("The key 'acc-7' (Deposited at 1) waits"));
    }

    [Test]
    public async Task A_store_that_is_slow_does_not_hold_up_the_time_out()
    {
        await using var bus = await StartBusAsync(patience: Short);
        await using var service = await HandleDepositsAsync(bus, (_, ct) => Task.Delay(Timeout.Infinite, ct));
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        bus.Faults.SlowStore(TimeSpan.FromMinutes(1));
        var started = Stopwatch.GetTimestamp();

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", Token), Throws.TypeOf<TimeoutException>());

        Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    [Test]
    public async Task Whenever_a_time_out_meets_the_stop_of_the_bus_it_is_one()
    {
        await using var bus = await StartBusAsync(configure: o => o.Bus.DrainTime = TimeSpan.FromMilliseconds(200));
        await using var service = await HandleDepositsAsync(bus, (_, ct) => Task.Delay(Timeout.Infinite, ct));
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        var waits = new List<Task>();
        for (var ms = 10; ms <= 500; ms += 10)
        {
            bus.Patience = TimeSpan.FromMilliseconds(ms);
            waits.Add(bus.WaitUntilSettledAsync("accounts", Token));
        }

        await bus.StopAsync(Token);

        foreach (var wait in waits)
            await Assert.ThatAsync(() => wait, Throws.TypeOf<TimeoutException>());
    }

    [Test]
    public async Task An_event_yet_to_come_can_be_waited_for()
    {
        await using var bus = await StartBusAsync();
        await using var service = await HandleDepositsAsync(bus, _ => { });
        await bus.PublishAsync(new Deposited(1m), "acc-7");

        var settled = bus.WaitUntilSettledAsync("accounts", 2, Token);
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(settled.IsCompleted, Is.False);
        await bus.PublishAsync(new Deposited(2m), "acc-7");

        await settled;
    }

    [Test]
    public async Task What_nobody_published_is_waited_for_in_vain()
    {
        await using var bus = await StartBusAsync();
        await using var service = await HandleDepositsAsync(bus, _ => { });
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);
        bus.Patience = Short;

        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", 2, Token), Throws.TypeOf<TimeoutException>().With.Message.Contains("The log ends at position 1."));
        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", 0, Token), Throws.TypeOf<ArgumentOutOfRangeException>());
        await Assert.ThatAsync(() => bus.WaitUntilSettledAsync("accounts", SequentModels.Receipt(position: null), Token), Throws.ArgumentException);
    }

    [Test]
    public async Task What_a_client_type_does_not_want_is_settled_without_it()
    {
        await using var bus = await StartBusAsync();
        await using var service = await HandleDepositsAsync(bus, _ => Assert.Fail("Nobody deposited."));

        var receipt = await bus.PublishAsync(new Withdrawn(1m), "acc-7");

        await bus.WaitUntilSettledAsync("accounts", receipt, Token);
    }

    [Test]
    public async Task Waiting_ends_when_the_caller_says_so()
    {
        await using var bus = await StartBusAsync();
        using var enough = new CancellationTokenSource();
        var settled = bus.WaitUntilSettledAsync("accounts", enough.Token);

        await enough.CancelAsync();

        await Assert.ThatAsync(() => settled, Throws.InstanceOf<OperationCanceledException>());
    }
}
