using Sequent.Bus.Reading;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Reading;

/// <summary>The last events in memory: those that are there are the last ones, without a gap, and not more than the bytes allow.</summary>
internal sealed class RecentCommitsTests
{
    private static readonly int Size = Event(1).ApproximateSize;

    [Test]
    public void Nothing_is_recent_at_first() => Assert.That(new RecentCommits(1_000_000).ReadAfter(0, 1, 1, 100), Is.Null);

    [Test]
    public void Of_many_commits_the_last_events_stay([Values(1, 500, 3_000)] int kept, [Values(1, 7, 1_500)] int perCommit, [Values(1L, 77L)] long first)
    {
        var recent = new RecentCommits((long)kept * Size);
        var last = first - 1;
        for (var commit = 0; commit < 5_000 / perCommit; commit++)
        {
            recent.Add([.. Enumerable.Range(0, perCommit).Select(_ => Event(++last))]);
            var oldest = Math.Max(first, last - kept + 1);

            Assert.That(recent.ReadAfter(oldest - 2, last, int.MaxValue, int.MaxValue), Is.Null, "the one before the oldest is gone");
            var read = recent.ReadAfter(oldest - 1, last, int.MaxValue, int.MaxValue);
            Assert.That((read?.Count, read?[0].Position, read?[^1].Position), Is.EqualTo(((int?)(last - oldest + 1), (long?)oldest, (long?)last)));
            Assert.That(recent.FindAll([last, oldest, oldest - 1, last]).Select(e => e.Position), Is.EqualTo(new[] { last, oldest }), "up to the first that is gone");
        }
    }

    [Test]
    public void As_many_are_read_as_the_limits_allow_but_one_at_least()
    {
        var recent = new RecentCommits(1_000_000);
        recent.Add([Event(1), Event(2), Event(3), Event(4)]);

        Assert.That(recent.ReadAfter(0, 4, 2, int.MaxValue)!.Select(e => e.Position), Is.EqualTo(new[] { 1, 2 }), "by number");
        Assert.That(recent.ReadAfter(0, 3, int.MaxValue, int.MaxValue)!.Select(e => e.Position), Is.EqualTo(new[] { 1, 2, 3 }), "up to a position");
        Assert.That(recent.ReadAfter(0, 4, int.MaxValue, 21)!.Select(e => e.Position), Is.EqualTo(new[] { 1, 2 }), "by bytes");
        Assert.That(recent.ReadAfter(0, 4, int.MaxValue, 1)!.Select(e => e.Position), Is.EqualTo(new[] { 1 }));
    }

    private static StoredEvent Event(long position) => new()
    {
        Position = position,
        Key = "k",
        Value = (uint)position,
        Previous = 0,
        EventType = "t",
        CorrelationId = 1,
        Data = "\"12345678\""u8.ToArray(),
        Producer = new Producer(1, "V4(127.0.0.1:1)"),
        TimeMicros = position,
    };
}
