using System.Threading.Channels;
using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>How many publishes go together, in which order, and what is known of each.</summary>
internal sealed class InFlightTests
{
    private static readonly BusLimits Limits = new(1_000_000, 1_000, 100, 100, 100);

    private int _freed;

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

    [Test]
    public void The_last_room_is_for_as_many_as_it_is_for()
    {
        var inFlight = NewInFlight(24); // three together at most
        for (var i = 0; i < 22; i++)
            inFlight.Take(Waiting(1), Limits);

        Assert.That(inFlight.Take(Waiting(5), Limits)!.Members, Has.Count.EqualTo(2));
        Assert.That(inFlight.HasRoom, Is.False);
    }

    [Test]
    public void A_publish_holds_its_room_until_it_has_its_answer()
    {
        var inFlight = NewInFlight(1);
        Assert.That((inFlight.HasAny, inFlight.HasRoom), Is.EqualTo((false, true)));

        var sending = inFlight.Take(Waiting(1), Limits)!;
        Assert.That((inFlight.HasAny, inFlight.HasRoom, _freed), Is.EqualTo((true, false, 0)));

        Assert.That(inFlight.Remove(sending.Message.RequestId!), Is.SameAs(sending));
        Assert.That((inFlight.HasAny, inFlight.HasRoom, _freed), Is.EqualTo((false, true, 1)));
        Assert.That(inFlight.Remove(sending.Message.RequestId!), Is.Null, "a second answer is about nothing");
        Assert.That(_freed, Is.EqualTo(1));
    }

    [Test]
    public void Whoever_has_left_before_their_turn_is_not_taken()
    {
        var inFlight = NewInFlight(80);
        var pending = Several(4);
        Assert.That((inFlight.Abandon(pending[0]), inFlight.Abandon(pending[2])), Is.EqualTo((false, false)), "nothing of theirs was sent");
        var waiting = Waiting(pending);

        Assert.That(inFlight.Take(waiting, Limits), Is.Null);
        Assert.That(inFlight.Take(waiting, Limits)!.Members, Is.EqualTo(new[] { pending[1], pending[3] }));
    }

    [Test]
    public void Whoever_leaves_before_it_is_sent_does_not_go_with_it_and_makes_room()
    {
        var inFlight = NewFull(out var sendings);
        var (sending, left) = (sendings[0], sendings[0].Members[0]);

        Assert.That(inFlight.Abandon(left), Is.False);
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((false, 0)));
        var sent = inFlight.Begin(sending, toOriginal: false)!;

        Assert.That((sent.Members.Single(), sent.Message.RequestId, sent.Number), Is.EqualTo((sending.Members[1], sending.Message.RequestId, sending.Number)));
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((true, 1)));
        Assert.That(inFlight.Begin(sending, toOriginal: false), Is.Null, "another has taken its place");
    }

    [Test]
    public void What_nobody_has_left_is_sent_as_it_was_taken()
    {
        var inFlight = NewFull(out var sendings);

        Assert.That(inFlight.Begin(sendings[0], toOriginal: false), Is.SameAs(sendings[0]));
        Assert.That((sendings[0].WasSent, sendings[0].WasResent, _freed), Is.EqualTo((true, false, 0)));
    }

    [Test]
    public void What_may_have_reached_the_bus_is_sent_again_whole()
    {
        var inFlight = NewFull(out var sendings);
        var sending = inFlight.Begin(sendings[0], toOriginal: false)!;

        Assert.That(inFlight.Abandon(sending.Members[0]), Is.True, "it may be stored");
        var again = inFlight.Begin(sending, toOriginal: false)!;

        Assert.That(again, Is.SameAs(sending), "its receipts are those of all its events");
        Assert.That((again.Members.Count, again.WasResent), Is.EqualTo((2, true)));
    }

    [Test]
    public void What_everybody_has_left_is_forgotten()
    {
        var inFlight = NewFull(out var sendings);

        foreach (var member in sendings[0].Members)
            inFlight.Abandon(member);

        Assert.That((inFlight.HasRoom, _freed, inFlight.Begin(sendings[0], toOriginal: false)), Is.EqualTo((true, 1, (Sending?)null)));
    }

    [Test]
    public void What_did_not_leave_this_client_was_not_sent()
    {
        var inFlight = NewFull(out var sendings);
        var sending = inFlight.Begin(sendings[0], toOriginal: true)!;
        Assert.That(inFlight.WasSent(sending.Members[0]), Is.EqualTo((true, true)));

        inFlight.Undo(sending);

        Assert.That(inFlight.WasSent(sending.Members[0]), Is.EqualTo((false, false)));
        Assert.That(inFlight.RemoveSent(), Is.Empty);
    }

    [Test]
    public void What_an_earlier_attempt_did_stays_unknown_when_a_later_one_does_not_leave_this_client()
    {
        var inFlight = NewFull(out var sendings);
        inFlight.Begin(sendings[0], toOriginal: false);
        inFlight.Begin(sendings[0], toOriginal: false);

        inFlight.Undo(sendings[0]);

        Assert.That(inFlight.WasSent(sendings[0].Members[0]), Is.EqualTo((true, false)));
    }

    [TestCase(1, ExpectedResult = false)]
    [TestCase(2, ExpectedResult = true)]
    public bool What_is_refused_for_a_while_waits_to_be_sent_again_and_may_be_stored_if_it_was_before(int attempts)
    {
        var inFlight = NewFull(out var sendings);
        for (var i = 0; i < attempts; i++)
            inFlight.Begin(sendings[1], toOriginal: false);
        Assert.That(inFlight.InOrder(onlyRefused: true), Is.Empty);

        Assert.That(inFlight.Refuse(sendings[1].Message.RequestId!, forAWhile: true), Is.Null);

        Assert.That(inFlight.InOrder(onlyRefused: true), Is.EqualTo(new[] { sendings[1] }));
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((false, 0)), "it keeps its room");
        var wasSent = inFlight.WasSent(sendings[1].Members[0]).WasSent;
        inFlight.Begin(sendings[1], toOriginal: false);
        Assert.That(inFlight.InOrder(onlyRefused: true), Is.Empty, "it is on its way");
        return wasSent;
    }

    [Test]
    public void A_single_publish_that_is_refused_for_good_is_over()
    {
        var inFlight = NewInFlight(1);
        var sending = inFlight.Begin(inFlight.Take(Waiting(1), Limits)!, toOriginal: false)!;

        Assert.That(inFlight.Refuse(sending.Message.RequestId!, forAWhile: false), Is.SameAs(sending));
        Assert.That((inFlight.HasAny, inFlight.HasRoom, _freed), Is.EqualTo((false, true, 1)));
    }

    [TestCase(1)]
    [TestCase(2)]
    public void Several_that_are_refused_for_good_are_sent_again_each_on_its_own(int attempts)
    {
        var inFlight = NewFull(out var sendings);
        for (var i = 0; i < attempts; i++)
            inFlight.Begin(sendings[0], toOriginal: false);

        Assert.That(inFlight.Refuse(sendings[0].Message.RequestId!, forAWhile: false), Is.Null);

        var alone = inFlight.InOrder(onlyRefused: true);
        Assert.That(alone.SelectMany(s => s.Members), Is.EqualTo(sendings[0].Members));
        Assert.That(alone.Select(s => (s.WasSent, s.WasResent)), Is.All.EqualTo((attempts > 1, attempts > 1)));
        Assert.That(inFlight.InOrder(onlyRefused: false), Is.EqualTo(sendings.Skip(1).Concat(alone)), "nothing is left of the message they were");
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((false, 0)), "nobody has left");
    }

    [Test]
    public void Whoever_has_left_several_that_are_refused_for_good_is_not_sent_again_and_makes_room()
    {
        var inFlight = NewFull(out var sendings);
        inFlight.Begin(sendings[0], toOriginal: false);
        inFlight.Abandon(sendings[0].Members[0]);

        inFlight.Refuse(sendings[0].Message.RequestId!, forAWhile: false);

        Assert.That(inFlight.InOrder(onlyRefused: true).Single().Members, Is.EqualTo(new[] { sendings[0].Members[1] }));
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((true, 1)));
    }

    [Test]
    public void What_may_have_reached_the_bus_is_removed_in_the_order_of_sending()
    {
        var inFlight = NewFull(out var sendings);
        foreach (var i in new[] { 3, 1, 2 })
            inFlight.Begin(sendings[i], toOriginal: true);

        Assert.That(inFlight.RemoveSent(), Is.EqualTo(sendings[1..4]));
        Assert.That(inFlight.InOrder(onlyRefused: false), Is.EqualTo(sendings.Where((_, i) => i is 0 or > 3)));
        Assert.That((inFlight.HasRoom, _freed), Is.EqualTo((true, 3)));
    }

    [Test]
    public void Everything_is_removed_in_the_order_of_sending()
    {
        var inFlight = NewFull(out var sendings);

        Assert.That(inFlight.RemoveAll(), Is.EqualTo(sendings));
        Assert.That((inFlight.HasAny, inFlight.RemoveAll()), Is.EqualTo((false, Array.Empty<Sending>())));
    }

    private InFlight NewInFlight(int maxPublishes) => new(maxPublishes, () => _freed++);

    /// <summary>Eight messages of two publishes each, none of them sent, and no room for more.</summary>
    private InFlight NewFull(out Sending[] sendings)
    {
        var inFlight = NewInFlight(16);
        var waiting = Waiting(16);
        sendings = [.. Enumerable.Range(0, 8).Select(_ => inFlight.Take(waiting, Limits)!)];
        Assert.That((sendings.Sum(s => s.Members.Count), inFlight.HasRoom), Is.EqualTo((16, false)));
        return inFlight;
    }

    private static PendingPublish[] Several(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new PendingPublish(new NewMessage([new NewEvent($"k{i}", null, 1, "Happened", "1"u8.ToArray())])))];

    private static ChannelReader<PendingPublish> Waiting(int count) => Waiting(Several(count));

    private static ChannelReader<PendingPublish> Waiting(PendingPublish[] publishes)
    {
        var channel = Channel.CreateUnbounded<PendingPublish>();
        foreach (var publish in publishes)
            channel.Writer.TryWrite(publish);
        return channel.Reader;
    }
}
