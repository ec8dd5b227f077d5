using Sequent.Client.Connecting;
using Sequent.Client.Hosting;

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
