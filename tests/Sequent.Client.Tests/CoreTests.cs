using Sequent.Client.Connecting;
using Sequent.Client.Hosting;
using Sequent.Client.Tests.Support;
using Sequent.Client.Units;

namespace Sequent.Client.Tests;

/// <summary>What needs no bus.</summary>
internal sealed class CoreTests
{
    private static readonly RecordedEvent Cause = new()
    {
        EventType = "Deposited",
        Key = "k",
        Value = 3,
        Position = 0x123_4567,
        EventId = Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057"),
        Time = DateTimeOffset.UnixEpoch.AddDays(20_000),
    };

    [Test]
    public void A_derived_id_is_a_version_8_uuid_that_begins_with_the_position_of_its_cause()
    {
        var id = DerivedId.For(Cause, "accounts", "Handler", 0);

        Assert.That(id.ToString(), Does.StartWith("00000000-1234-8567-"));
        Assert.That((id.Version, id.Variant & 0xC), Is.EqualTo((8, 8)));
    }

    [Test]
    public void A_derived_id_never_changes() =>
        Assert.That(DerivedId.For(Cause, "accounts", "Handler", 0), Is.EqualTo(Guid.Parse("00000000-1234-8567-8930-88e5524aa374")));

    [Test]
    public void A_derived_id_differs_by_everything_it_is_derived_from()
    {
        var withoutId = Cause with { EventId = null };
        Guid[] ids =
        [
            DerivedId.For(Cause, "accounts", "Handler", 0),
            DerivedId.For(Cause, "accounts", "Handler", 1),
            DerivedId.For(Cause, "accounts", "Other", 0),
            DerivedId.For(Cause, "accountsH", "andler", 0),
            DerivedId.For(Cause with { EventId = Guid.NewGuid() }, "accounts", "Handler", 0),
            DerivedId.For(withoutId, "accounts", "Handler", 0),
            DerivedId.For(withoutId with { Key = "other" }, "accounts", "Handler", 0),
            DerivedId.For(withoutId with { Value = 4 }, "accounts", "Handler", 0),
            DerivedId.For(withoutId with { Time = Cause.Time.AddMicroseconds(1) }, "accounts", "Handler", 0),
        ];

        Assert.That(ids, Is.Unique);
    }

    [Test]
    public void Derived_ids_grow_with_the_log()
    {
        long[] positions = [1, 4_095, 4_096, 1_000_000, 1L << 40, (1L << 53) - 1];

        var ids = positions.Select(p => DerivedId.For(Cause with { Position = p }, "accounts", "Handler", 0).ToString());

        Assert.That(ids, Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
    }

    [Test]
    public void Pauses_double_up_to_a_limit_and_are_partly_random()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));

        Assert.That(backoff.Delay(0).TotalMilliseconds, Is.InRange(50, 100));
        Assert.That(backoff.Delay(3).TotalMilliseconds, Is.InRange(400, 800));
        Assert.That(backoff.Delay(1_000_000).TotalSeconds, Is.InRange(5, 10));
    }

    [Test]
    public void The_fold_cache_forgets_what_was_not_used_for_longest()
    {
        var cache = new FoldCache(2);
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 0, 1));
        cache.Keep("log", "b", typeof(Account), new Fold(Account.Initial, 0, 2));
        cache.Find("a", typeof(Account));
        cache.Keep("log", "c", typeof(Account), new Fold(Account.Initial, 0, 3));

        Assert.That(cache.Find("b", typeof(Account)).Fold, Is.Null);
        Assert.That(cache.Find("a", typeof(Count)).Fold, Is.Null);
        Assert.That(cache.Find("a", typeof(Account)), Is.EqualTo((new Fold(Account.Initial, 0, 1), "log")));
    }

    [Test]
    public void The_fold_cache_keeps_the_latest_fold_and_only_of_one_log()
    {
        var cache = new FoldCache(10);
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 5, 9));
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 4, 8));
        Assert.That(cache.Find("a", typeof(Account)).Fold?.Position, Is.EqualTo(9));

        cache.Keep("other", "b", typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(cache.Find("a", typeof(Account)).Fold, Is.Null);
        Assert.That(cache.Find("b", typeof(Account)).LogId, Is.EqualTo("other"));
    }

    [Test]
    public void A_fold_cache_of_size_0_keeps_nothing()
    {
        var cache = new FoldCache(0);

        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(cache.Find("a", typeof(Account)).Fold, Is.Null);
    }

    [Test]
    public async Task Keys_are_given_in_the_order_they_were_asked_for()
    {
        var queues = new KeyQueues();
        Assert.That(queues.TryTake("k"), Is.True);
        var first = queues.TakeAsync("k", CancellationToken.None);
        var second = queues.TakeAsync("k", CancellationToken.None);
        Assert.That((queues.TryTake("k"), queues.TryTake("other")), Is.EqualTo((false, true)));

        queues.Release("k");
        await first;
        Assert.That(second.IsCompleted, Is.False);

        queues.Release("k");
        await second;
        queues.Release("k");
        Assert.That(queues.TryTake("k"), Is.True);
    }

    [Test]
    public async Task Who_leaves_a_queue_does_not_hold_up_those_behind()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        using var cancel = new CancellationTokenSource();
        var leaving = queues.TakeAsync("k", cancel.Token);
        var next = queues.TakeAsync("k", CancellationToken.None);

        await cancel.CancelAsync();
        Assert.That(async () => await leaving, Throws.InstanceOf<OperationCanceledException>());
        queues.Release("k");

        await next;
    }

    [Test]
    public async Task A_unit_that_holds_a_key_never_waits_for_another()
    {
        var queues = new KeyQueues();
        queues.TryTake("busy");
        using (var held = new HeldKeys(queues, mayWait: true))
        {
            await held.TakeAsync("free", CancellationToken.None);
            await held.TakeAsync("busy", CancellationToken.None);
            await held.TakeAsync("free", CancellationToken.None);
            Assert.That(queues.TryTake("free"), Is.False);
        }

        Assert.That((queues.TryTake("free"), queues.TryTake("busy")), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_key_taken_after_the_run_is_given_back_at_once()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        var held = new HeldKeys(queues, mayWait: true);
        var late = held.TakeAsync("k", CancellationToken.None);

        held.Dispose();
        queues.Release("k");
        await late;

        Assert.That(queues.TryTake("k"), Is.True);
    }

    [Test]
    public async Task A_second_run_takes_the_keys_of_the_first_in_sorted_order()
    {
        var queues = new KeyQueues();
        queues.TryTake("b");
        using var held = new HeldKeys(queues, mayWait: true);

        var taking = held.TakeAllAsync(["c", "b", "a"], CancellationToken.None);

        Assert.That((taking.IsCompleted, queues.TryTake("a"), queues.TryTake("c")), Is.EqualTo((false, false, true)));
        queues.Release("c");
        queues.Release("b");
        await taking;
    }

    [Test]
    public async Task Who_waits_for_a_projection_is_told_as_soon_as_it_is_there()
    {
        var progress = new ProjectionProgress<NoProjection>();
        var waiting = progress.WaitForAsync(5);
        progress.MoveTo(4);
        Assert.That(waiting.IsCompleted, Is.False);

        progress.MoveTo(7);

        await waiting;
        progress.CatchUp();
        Assert.That((progress.IsCaughtUp, progress.Position), Is.EqualTo((true, 7)));
        progress.Reset();
        Assert.That((progress.IsCaughtUp, progress.Position), Is.EqualTo((false, 0)));
    }

    private abstract class NoProjection : IProjection
    {
        public abstract ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken);

        public abstract ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken);

        public abstract ValueTask ResetAsync(CancellationToken cancellationToken);
    }
}
