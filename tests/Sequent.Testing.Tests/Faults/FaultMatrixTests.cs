namespace Sequent.Testing.Tests.Faults;

/// <summary>Whatever fails meanwhile: every publish has a definite outcome, every order its effect exactly once and in order, nothing is given up.</summary>
public sealed class FaultMatrixTests
{
    /// <summary>So many orders have to get their effect while something fails.</summary>
    private const int EnoughEffects = Workload.Orders / 2;

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));
    private SequentTestBus _bus = null!;
    private Workload _work = null!;

    private CancellationToken Token => _limit.Token;

    [SetUp]
    public async Task Start()
    {
        // The limits after which something is given up are the defaults, so that nothing is given up only here, or only elsewhere. What the test bus itself
        // sets is shorter than elsewhere: pauses between attempts to connect (100 ms) and the time in which a bus that stops may be drained (1 s).
        var options = new SequentTestBusOptions { Patience = TimeSpan.FromSeconds(60) };
        if (TestContext.CurrentContext.Test.MethodName == nameof(An_instance_freezes_and_wakes_when_its_work_is_long_done_by_others))
            options.Bus.AckDeadline = TimeSpan.FromSeconds(1);
        _bus = await SequentTestBus.StartAsync(options);
        _work = new Workload(_bus, Token);
    }

    [TearDown]
    public async Task Stop()
    {
        await _bus.DisposeAsync();
        _limit.Dispose();
    }

    [Test]
    public async Task The_bus_is_killed_and_started_again()
    {
        await StartInstancesAsync();
        await AgainAndAgainAsync(every: 80, async () =>
        {
            await _bus.KillAsync();
            await _bus.StartAgainAsync(Token);
        });
        await _work.CheckAsync();
        Assert.That(_work.Redelivered, Is.Positive, "or nothing was under way");
    }

    [Test]
    public async Task The_bus_is_stopped_and_started_again()
    {
        await StartInstancesAsync();
        await AgainAndAgainAsync(every: 250, async () =>
        {
            await _bus.StopAsync(Token);
            await _bus.StartAgainAsync(Token);
        });
        await _work.CheckAsync();
    }

    [Test]
    public async Task Every_connection_is_cut_every_50_ms()
    {
        await StartInstancesAsync();
        _bus.Faults.SlowStore(TimeSpan.FromMilliseconds(10)); // or it would be over before the first cut
        _bus.Faults.DropConnectionsEvery(TimeSpan.FromMilliseconds(50));
        _work.Allow(Workload.Orders);
        var publishing = _work.PublishAllAsync();
        await publishing;

        // Before it acks, a handler needs four answers within the life of one connection.
        _bus.Faults.HealStore();
        await _work.UntilAsync(publishing, async () => await _work.CountEffectsAsync() >= EnoughEffects / 2);
        var dropped = _bus.Faults.DroppedConnections;
        await _work.CheckAsync();
        Assert.That(dropped, Is.GreaterThan(50), "or nothing was tried");
        Assert.That(_work.Redelivered, Is.Positive, "or nothing was under way");
    }

    [Test]
    public async Task Receipts_are_lost()
    {
        await StartInstancesAsync();
        await AgainAndAgainAsync(every: 20, () =>
        {
            _bus.Faults.LoseReceipts(3);
            return Task.CompletedTask;
        });
        await _work.CheckAsync();
        Assert.That(_bus.Faults.LostReceipts, Is.GreaterThan(50), "or nothing was tried");
    }

    [Test]
    public async Task An_instance_is_killed_and_another_takes_its_place()
    {
        var (elder, younger) = (await StartMortalAsync(), await StartMortalAsync());
        var kills = 0;
        await AgainAndAgainAsync(every: 100, async () =>
        {
            // The elder has most keys: those of whoever is killed go to the other one and stay there.
            elder.Handlers.Begin();
            await _work.UntilAsync(Task.CompletedTask, async () =>
            {
                // What was allowed may be done by now, and then nothing would ever begin. Several, because one alone may always go to the younger; and no
                // more, because the next kills need orders too.
                if (!elder.Handlers.HasBegun && await _work.IsIdleAsync())
                    _work.Allow(10);
                return elder.Handlers.HasBegun || await _work.CountEffectsAsync() == Workload.Orders;
            });
            await elder.Service.KillAsync();
            kills += elder.Handlers.HasBegun ? 1 : 0;
            (elder, younger) = (younger, await StartMortalAsync());
        });
        await _work.CheckAsync();
        Assert.That(kills, Is.GreaterThanOrEqualTo(3), "or nothing was tried");
        Assert.That(_work.Redelivered, Is.GreaterThanOrEqualTo(kills), "whoever was killed had something under way, which came again");
    }

    [Test]
    public async Task An_instance_freezes_and_wakes_when_its_work_is_long_done_by_others()
    {
        using var clock = new JumpingClock();
        var freeze = new Freeze(isDeaf: true);
        await StartInstancesAsync();
        var frozen = await _work.StartInstanceAsync(freeze, clock);
        _work.Allow(Workload.Orders / 2);
        var publishing = _work.PublishAllAsync();
        freeze.Begin();
        await _work.UntilAsync(publishing, () => Task.FromResult(freeze.IsComplete));

        // From here on it is as if its process stood still: it hears nothing, says nothing, and asks for no more time.
        frozen.PauseConnections();
        clock.Sleep();
        _work.Allow(Workload.Orders / 2);
        await publishing;
        await _bus.WaitUntilSettledAsync("worker", Token);
        Assert.That((await _work.CountEffectsAsync(), freeze.AllHaveLeft), Is.EqualTo((Workload.Orders, false)), "others have done everything");

        // Those that had decided send it before their process hears that the events are no longer its own.
        freeze.WakeDecided();
        await _work.UntilAsync(publishing, () => Task.FromResult(freeze.DecidedHaveLeft));
        frozen.ResumeConnections();
        clock.Wake(TimeSpan.FromSeconds(30));
        freeze.WakeOthers();
        await _work.UntilAsync(publishing, () => Task.FromResult(freeze.AllHaveLeft));
        await frozen.DisposeAsync();
        await _work.CheckAsync();
        Assert.That(_work.Redelivered, Is.Positive);
    }

    [Test]
    public async Task The_clock_of_the_bus_jumps_to_and_fro()
    {
        await StartInstancesAsync();
        var jumps = 0;
        await AgainAndAgainAsync(every: 50, () =>
        {
            // A step back of this clock sets back its timestamps too, which no real clock does: what waits then waits so much longer.
            if (++jumps % 2 == 0)
                _bus.Time.AdjustTime(_bus.Time.GetUtcNow() - TimeSpan.FromMilliseconds(300));
            else
                _bus.Time.Advance(TimeSpan.FromHours(1));
            return Task.CompletedTask;
        });
        await _work.CheckAsync();
        var times = (await _bus.EventsAsync(cancellationToken: Token)).Select(e => e.Time);
        Assert.That(times, Is.Ordered, "time in the log never runs back");
    }

    [Test]
    public async Task The_clocks_of_services_jump_to_and_fro()
    {
        using var sleeper = new JumpingClock();
        using var set = new JumpingClock();
        await _work.StartInstanceAsync(time: sleeper);
        await _work.StartInstanceAsync(time: set);
        var jumps = 0;
        await AgainAndAgainAsync(
            every: 50,
            () =>
            {
                // One machine sleeps for an hour; the other one's time of day is set to yesterday, and back.
                sleeper.LeapAhead(TimeSpan.FromHours(1));
                set.Set(TimeSpan.FromDays(++jumps % 2 == 0 ? 1 : -1));
                return Task.CompletedTask;
            },
            set);
        await _work.CheckAsync();
    }

    private async Task<(SequentTestService Service, Freeze Handlers)> StartMortalAsync()
    {
        var handlers = new Freeze(isDeaf: false);
        return (await _work.StartInstanceAsync(handlers), handlers);
    }

    private async Task StartInstancesAsync()
    {
        await _work.StartInstanceAsync();
        await _work.StartInstanceAsync();
    }

    /// <summary>
    /// Does something each time so much further work is done, while everything is published and until half of it has its effect: each time orders and
    /// their handlers are under way.
    /// </summary>
    private async Task AgainAndAgainAsync(int every, Func<Task> fault, TimeProvider? publishersTime = null)
    {
        _work.Allow(every);
        var publishing = _work.PublishAllAsync(publishersTime);
        var faults = 0;
        for (var done = 0; !publishing.IsCompleted || await _work.CountEffectsAsync() < EnoughEffects;)
        {
            await _work.UntilAsync(publishing, async () => await _work.CountProgressAsync() >= Math.Min(done + every, 2 * Workload.Orders));

            // When it happens, further orders are under way.
            done = await _work.CountProgressAsync();
            _work.Allow(every);
            await _work.UntilAsync(publishing, async () => await _work.CountProgressAsync() >= Math.Min(done + (every / 4), 2 * Workload.Orders));
            await fault();
            faults++;
        }

        await publishing;
        Assert.That(faults, Is.GreaterThanOrEqualTo(3), "or nothing was tried");
    }
}
