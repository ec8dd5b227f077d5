namespace Sequent.Testing.Tests;

public class TimeTests : BusTest
{
    [Test]
    public async Task A_handler_that_throws_runs_again_by_itself_because_time_moves_along()
    {
        await using var bus = await StartBusAsync();
        var attempts = new List<int>();
        await using var service = await HandleDepositsAsync(bus, context =>
        {
            attempts.Add(context.Attempt);
            if (context.Attempt == 1)
                throw new InvalidOperationException("once");
        });

        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts", Token);

        Assert.That(attempts, Is.EqualTo(new[] { 1, 2 }));
    }

    [Test]
    public async Task With_frozen_time_it_runs_again_only_after_time_was_moved()
    {
        await using var bus = await StartBusAsync(freezeTime: true);
        var attempts = 0;
        await using var service = await HandleDepositsAsync(bus, context =>
        {
            attempts = context.Attempt;
            if (context.Attempt == 1)
                throw new InvalidOperationException("once");
        });

        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await UntilAsync(() => attempts == 1, "the handler has run");
        bus.Patience = TimeSpan.FromMilliseconds(400);
        await Assert.ThatAsync(
            () => bus.WaitUntilSettledAsync("accounts", Token),
            Throws.TypeOf<TimeoutException>().With.Message.Contains("backing off for 100 ms after a nack; it failed once so far").And.Message.Contains("Time is frozen"));
        Assert.That(attempts, Is.EqualTo(1));

        bus.Patience = TimeSpan.FromSeconds(10);
        bus.Time.Advance(TimeSpan.FromMilliseconds(100));
        await bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(attempts, Is.EqualTo(2));
    }

    [Test]
    public async Task Events_have_the_time_of_the_bus()
    {
        await using var bus = await StartBusAsync(freezeTime: true);
        var start = bus.Time.GetUtcNow();
        Assert.That(start, Is.EqualTo(TimeProvider.System.GetUtcNow()).Within(TimeSpan.FromMinutes(1)));

        await bus.PublishAsync(new Deposited(1m), "acc-7");
        bus.Time.Advance(TimeSpan.FromDays(1));
        await bus.PublishAsync(new Deposited(2m), "acc-7");

        var times = (await bus.EventsAsync()).Select(e => e.Time).ToArray();
        Assert.That(times[1] - times[0], Is.EqualTo(TimeSpan.FromDays(1)));
    }

    [Test]
    public async Task Time_moves_along_with_real_time_unless_it_is_frozen()
    {
        await using var moving = await StartBusAsync();
        await using var frozen = await StartBusAsync(freezeTime: true);
        var (start, stands) = (moving.Time.GetUtcNow(), frozen.Time.GetUtcNow());

        await UntilAsync(() => moving.Time.GetUtcNow() > start + TimeSpan.FromMilliseconds(50), "time has moved");

        Assert.That(frozen.Time.GetUtcNow(), Is.EqualTo(stands));
    }
}
