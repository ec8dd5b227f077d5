using Microsoft.Extensions.Time.Testing;

namespace Sequent.Testing.Tests.Faults;

/// <summary>Whatever fails meanwhile: every publish has a definite outcome, every order its effect exactly once and in order, nothing is given up.</summary>
public sealed class FaultMatrixTests
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));
    private SequentTestBus _bus = null!;
    private Workload _work = null!;

    private CancellationToken Token => _limit.Token;

    [SetUp]
    public async Task Start()
    {
        // Everything at its default, so that nothing is given up only here, or only elsewhere.
        var options = new SequentTestBusOptions { Patience = TimeSpan.FromSeconds(60) };
        if (TestContext.CurrentContext.Test.MethodName == nameof(An_instance_freezes_and_wakes_when_its_work_is_long_done_by_another))
            options.Bus.AckDeadline = TimeSpan.FromSeconds(3);
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
        var publishing = _work.PublishAllAsync();
        await EachTimeAsync(publishing, every: 80, async () =>
        {
            await _bus.KillAsync();
            await _bus.StartAgainAsync(Token);
        });
        await _work.CheckAsync();
    }

    [Test]
    public async Task The_bus_is_stopped_and_started_again()
    {
        await StartInstancesAsync();
        var publishing = _work.PublishAllAsync();
        await EachTimeAsync(publishing, every: 250, async () =>
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
        await _work.PublishAllAsync();
        await _work.CheckAsync();
        Assert.That(_bus.Faults.DroppedConnections, Is.GreaterThan(50), "or nothing was tried");
    }

    [Test]
    public async Task Receipts_are_lost()
    {
        await StartInstancesAsync();
        var publishing = _work.PublishAllAsync();
        await EachTimeAsync(publishing, every: 20, () =>
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
        await _work.StartInstanceAsync();
        var mortal = await _work.StartInstanceAsync();
        var publishing = _work.PublishAllAsync();
        await EachTimeAsync(publishing, every: 100, async () =>
        {
            await mortal.KillAsync();
            mortal = await _work.StartInstanceAsync();
        });
        await _work.CheckAsync();
    }

    [Test]
    public async Task An_instance_freezes_and_wakes_when_its_work_is_long_done_by_another()
    {
        // Its clock stands still too, so it asks for no more time.
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var thaw = new TaskCompletionSource();
        var frozen = 0;
        await _work.StartInstanceAsync();
        await _work.StartInstanceAsync(
            async (context, _) =>
            {
                if (context.Value % 5 != 3 || context.Attempt > 1 || thaw.Task.IsCompleted)
                    return;
                Interlocked.Increment(ref frozen);
                await thaw.Task; // deaf to its cancellation, as a frozen process is
            },
            clock);
        await _work.PublishAllAsync();
        await _bus.WaitUntilSettledAsync("worker", Token);
        Assert.That(frozen, Is.Positive);
        thaw.SetResult();
        clock.Advance(TimeSpan.FromSeconds(30));
        await _work.CheckAsync();
    }

    [Test]
    public async Task The_clock_of_the_bus_jumps_to_and_fro()
    {
        await StartInstancesAsync();
        var publishing = _work.PublishAllAsync();
        var jumps = 0;
        await EachTimeAsync(publishing, every: 50, () =>
        {
            // A step back of the fake clock sets back its timestamps too, which no real clock does: what waits then waits so much longer.
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

    private async Task StartInstancesAsync()
    {
        await _work.StartInstanceAsync();
        await _work.StartInstanceAsync();
    }

    /// <summary>Does something each time so many further orders were published.</summary>
    private async Task EachTimeAsync(Task publishing, int every, Func<Task> fault)
    {
        var faults = 0;
        for (var next = every; !publishing.IsCompleted; next += every)
        {
            while (_work.Published < next && !publishing.IsCompleted)
                await Task.WhenAny(publishing, Task.Delay(1, Token));
            await fault();
            faults++;
        }

        await publishing;
        Assert.That(faults, Is.GreaterThanOrEqualTo(3), "or nothing was tried");
    }
}
