using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

internal sealed class ProjectionTests : HostTest
{
    private readonly Store _store = new();

    [Test]
    public async Task A_projection_gets_the_past_then_what_comes_and_tells_how_far_it_is()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var progress = await StartAsync();
        await UntilAsync(() => progress.IsCaughtUp, "it has caught up");

        var receipt = await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        await progress.WaitForAsync(receipt.Position!.Value, Token);
        await progress.WaitForAsync(1, Token);

        Assert.That((_store.Sum, progress.Position, _store.Checkpoint!.Position), Is.EqualTo((3m, 2, 2)));
    }

    [Test]
    public async Task It_goes_on_from_its_checkpoint()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        _store.Checkpoint = new Checkpoint((await Client.ConnectAsync(Token)).LogId, 1);

        var progress = await StartAsync();

        await progress.WaitForAsync(2, Token);
        Assert.That(_store.Sum, Is.EqualTo(2m));
    }

    [Test]
    public async Task A_page_without_events_moves_the_checkpoint_too()
    {
        await Client.PublishAsync(new Renamed("x"), "k", cancellationToken: Token);

        var progress = await StartAsync();

        await progress.WaitForAsync(1, Token);
        Assert.That((_store.Sum, _store.Checkpoint!.Position), Is.EqualTo((0m, 1)));
    }

    [Test]
    public async Task What_another_instance_has_applied_is_left_out_and_the_rest_goes_on()
    {
        for (var i = 1; i <= 3; i++)
            await Client.PublishAsync(new Deposited(i), "k", cancellationToken: Token);
        var logId = (await Client.ConnectAsync(Token)).LogId;

        // The other instance is at position 2 by the time the first page is applied.
        _store.BeforeApply = () => _store.Checkpoint = new Checkpoint(logId, 2);

        var progress = await StartAsync();

        await progress.WaitForAsync(3, Token);
        Assert.That((_store.Sum, _store.Loads), Is.EqualTo((3m, 2)));
    }

    [Test]
    public async Task It_follows_anew_when_the_stored_checkpoint_went_back()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var progress = await StartAsync();
        await progress.WaitForAsync(1, Token);

        _store.BeforeApply = () => (_store.Checkpoint, _store.Sum) = (null, 0m);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);

        await UntilAsync(() => _store.Checkpoint?.Position == 2, "it is rebuilt");
        Assert.That(_store.Sum, Is.EqualTo(3m));
    }

    [Test]
    public async Task What_is_no_longer_applied_is_waited_for_again()
    {
        for (var i = 1; i <= 3; i++)
            await Client.PublishAsync(new Deposited(i), "k", cancellationToken: Token);
        var progress = await StartAsync();
        await progress.WaitForAsync(3, Token);

        // Somebody restores an older copy of the store, which then stays away for a while.
        _store.BeforeApply = () =>
        {
            (_store.Checkpoint, _store.Sum) = (null, 0m);
            _store.BeforeApply = () => _store.IsAway = true;
        };
        await Client.PublishAsync(new Deposited(4), "k", cancellationToken: Token);
        await UntilAsync(() => progress.Failure is not null, "it cannot go on");
        var waiting = progress.WaitForAsync(3, Token);
        _store.IsAway = false;
        await waiting;

        Assert.That(_store.Sum, Is.EqualTo(10m));
    }

    [Test]
    public async Task On_another_log_it_starts_over()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var progress = await StartAsync();
        await progress.WaitForAsync(1, Token);

        await Bus.ReplaceLogAsync();
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);

        await UntilAsync(() => _store.Sum == 5m, "it is rebuilt");
        await UntilAsync(() => progress is { IsCaughtUp: true, Position: 1 }, "it has caught up");
        Assert.That(_store.Resets, Is.EqualTo(1));
    }

    [Test]
    public async Task A_failure_is_tried_again_from_the_checkpoint()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        _store.BeforeApply = () => throw new InvalidOperationException("the database is away");

        var progress = await StartAsync();

        await progress.WaitForAsync(1, Token);
        Assert.That((_store.Sum, _store.Loads), Is.EqualTo((1m, 2)));
    }

    [Test]
    public async Task False_without_a_reason_is_a_failure_that_does_not_spin()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        _store.LiesOnce = true;

        var progress = await StartAsync();

        await progress.WaitForAsync(1, Token);
        Assert.That((_store.Sum, _store.Loads), Is.EqualTo((1m, 3)));
    }

    [Test]
    public async Task Who_waits_for_a_position_is_not_kept_by_events_it_does_not_take()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var progress = await StartAsync();
        await progress.WaitForAsync(1, Token);

        var other = await Client.PublishAsync(new Renamed("x"), "k", cancellationToken: Token);
        var started = Stopwatch.GetTimestamp();
        await progress.WaitForAsync(other.Position!.Value, Token);

        Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromSeconds(9)), "the page that passes it comes after 10 s");
        var beyond = progress.WaitForAsync(other.Position.Value + 1, Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        await beyond;
        Assert.That(_store.Sum, Is.EqualTo(3m), "of a position that is still to come nothing is known");
    }

    [Test]
    public async Task Two_instances_that_share_a_store_apply_each_event_once_and_start_over_on_another_log()
    {
        await StartAsync();
        await StartAsync();
        for (var i = 1; i <= 50; i++)
            await Client.PublishAsync(new Deposited(i), "k", cancellationToken: Token);
        await UntilAsync(() => _store.Checkpoint?.Position == 50, "all is applied");
        Assert.That(_store.Sum, Is.EqualTo(50 * 51 / 2));

        await Bus.ReplaceLogAsync();
        for (var i = 1; i <= 50; i++)
            await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        await UntilAsync(() => _store is { Checkpoint.Position: 50, Sum: 50m }, "it is rebuilt from the other log, each event once");
    }

    [Test]
    public async Task While_it_fails_health_says_so_and_why()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        _store.IsAway = true;
        var host = await StartHostAsync(b =>
        {
            b.Services.AddSingleton(_store);
            b.AddProjection<Balances>().AddEvent<Deposited>().AddHealthCheck();
        });
        var checks = host.Services.GetRequiredService<HealthCheckService>();
        var progress = host.Services.GetRequiredService<ProjectionProgress>();
        await UntilAsync(() => progress.Failure is TimeoutException, "it has failed");

        Assert.That((await checks.CheckHealthAsync(Token)).Entries["sequent"].Description, Is.EqualTo("Balances fails after position 0 (TimeoutException)"));
        _store.IsAway = false;
        await progress.WaitForAsync(1, Token);
        Assert.That(progress.Failure, Is.Null);
    }

    [Test]
    public async Task When_its_host_stops_nothing_is_applied_any_more()
    {
        var host = await StartHostAsync(Add);
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
                await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        });
        await UntilAsync(() => _store.Sum > 0, "it is under way");
        await host.StopAsync(Token);
        var sum = _store.Sum;
        await publishing;

        Assert.That((_store.Sum, _store.Checkpoint!.Position), Is.EqualTo((sum, (long)sum)));
        var progress = await StartAsync();
        await progress.WaitForAsync(500, Token);
        Assert.That(_store.Sum, Is.EqualTo(500m), "the next one goes on from there");
    }

    [Test]
    public async Task Waiting_for_a_position_can_be_cancelled()
    {
        var progress = await StartAsync();

        Assert.That(async () => await progress.WaitForAsync(100, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
    }

    private async Task<ProjectionProgress> StartAsync()
    {
        var host = await StartHostAsync(Add);
        Assert.That(host.Services.GetRequiredService<ProjectionProgress>(), Is.SameAs(host.Services.GetRequiredService<ProjectionProgress<Balances>>()));
        return host.Services.GetRequiredService<ProjectionProgress<Balances>>();
    }

    private void Add(SequentBuilder b)
    {
        b.Services.AddSingleton(_store);
        b.AddProjection<Balances>().AddEvent<Deposited>().AddEvent<Renamed>();
    }

    /// <summary>Where the projection keeps its sum and checkpoint.</summary>
    private sealed class Store
    {
        public Lock Lock { get; } = new();

        public bool IsAway { get; set; }

        public decimal Sum { get; set; }

        public Checkpoint? Checkpoint { get; set; }

        public int Loads { get; set; }

        public int Resets { get; set; }

        /// <summary>Runs once.</summary>
        public Action? BeforeApply { get; set; }

        public bool LiesOnce { get; set; }
    }

    private sealed class Balances(Store store) : IProjection
    {
        public IReadOnlyList<string> Types => ["Deposited"];

        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken)
        {
            store.Loads++;
            return ValueTask.FromResult(store.Checkpoint);
        }

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
        {
            using var transaction = store.Lock.EnterScope();
            var before = store.BeforeApply;
            store.BeforeApply = null;
            before?.Invoke();
            if (store.IsAway)
                throw new TimeoutException("the database is away");
            if (store.Checkpoint != from || store.LiesOnce)
            {
                store.LiesOnce = false;
                return ValueTask.FromResult(false);
            }

            store.Sum += events.Sum(e => ((Deposited)e.Data).Amount);
            store.Checkpoint = to;
            return ValueTask.FromResult(true);
        }

        public ValueTask ResetAsync(CancellationToken cancellationToken)
        {
            using var transaction = store.Lock.EnterScope();
            (store.Sum, store.Checkpoint) = (0m, null);
            store.Resets++;
            return ValueTask.CompletedTask;
        }
    }
}
