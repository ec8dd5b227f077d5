using Sequent.Client.Publishing;

namespace Sequent.Client.Tests;

/// <summary>Ids of events are UUIDs of version 7, in the order of their making.</summary>
internal sealed class EventIdTests
{
    private static readonly DateTimeOffset Time = new(2022, 2, 22, 19, 22, 22, TimeSpan.Zero);

    [Test]
    public void An_id_has_the_time_the_version_and_the_variant()
    {
        var id = EventIds.Next(Time.AddTicks(5_000));

        // RFC 9562, appendix A.6, has this time; half a millisecond is half of twelve bits.
        Assert.That(id.ToString(), Does.Match("^017f22e2-79b0-7800-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"));
        Assert.That((id.Version, id.Variant & 0xC), Is.EqualTo((7, 8)));
    }

    [Test]
    public void A_later_one_comes_after_an_earlier_one()
    {
        var ids = Enumerable.Range(0, 50_000).Select(i => EventIds.Next(Time.AddTicks(3 * i))).ToArray();

        Assert.That(ids, Is.Ordered);
        Assert.That(ids.Select(i => i.ToByteArray(bigEndian: true)).Zip(ids.Skip(1).Select(i => i.ToByteArray(bigEndian: true))).All(p => p.First.AsSpan().SequenceCompareTo(p.Second) < 0), "as bytes too");
    }

    [Test]
    public async Task No_two_are_alike_however_many_are_made_at_the_same_moment()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 10_000).Select(_ => EventIds.Next(Time)).ToArray())));

        Assert.That(made.SelectMany(ids => ids).Distinct().Count(), Is.EqualTo(80_000));
    }
}
