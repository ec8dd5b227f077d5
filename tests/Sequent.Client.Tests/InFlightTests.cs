using System.Threading.Channels;
using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>How many publishes go together.</summary>
internal sealed class InFlightTests
{
    private static readonly BusLimits Limits = new(1_000_000, 1_000, 100, 100, 100);

    [Test]
    public void What_goes_together_leaves_room_for_others_to_be_written_meanwhile()
    {
        var inFlight = new InFlight(maxPublishes: 80, freed: () => { });
        var waiting = Waiting(100);

        List<int> together = [];
        while (inFlight.HasRoom && inFlight.Take(waiting, Limits) is { } sending)
            together.Add(sending.Members.Count);

        Assert.That(together, Is.EqualTo(Enumerable.Repeat(10, 8)), "eight messages are under way at a time");
        Assert.That(waiting.Count, Is.EqualTo(20));
    }

    [Test]
    public void With_room_for_a_few_each_goes_alone()
    {
        var inFlight = new InFlight(maxPublishes: 3, freed: () => { });
        var waiting = Waiting(5);

        var first = inFlight.Take(waiting, Limits);

        Assert.That(first!.Members, Has.Count.EqualTo(1));
    }

    private static ChannelReader<PendingPublish> Waiting(int count)
    {
        var channel = Channel.CreateUnbounded<PendingPublish>();
        for (var i = 0; i < count; i++)
            channel.Writer.TryWrite(new PendingPublish(new NewMessage([new NewEvent($"k{i}", null, 1, "Happened", "1"u8.ToArray())])));
        return channel.Reader;
    }
}
