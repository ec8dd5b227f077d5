using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What may go out together as one message: as much as the bus takes, and nothing it may refuse.</summary>
internal sealed class GroupTests
{
    private static readonly BusLimits Limits = new(MessageBytes: 1_000_000, EventsPerMessage: 100, QueryPage: 100, KeyBytes: 9, EventTypeBytes: 12);

    [Test]
    public void A_message_has_as_many_events_as_the_bus_takes_and_not_one_more()
    {
        var group = new Group(Limits with { EventsPerMessage = 4 }, Pending(Event()));
        group.Add(Pending(Event()));

        Assert.That((group.Takes(Pending(Event(), Event())), group.Takes(Pending(Event(), Event(), Event()))), Is.EqualTo((true, false)));
        Assert.That(group.Members, Has.Count.EqualTo(2));
    }

    // An event counts with 400 bytes, its data, and six bytes for each character of its key, its type and its trace; the message itself with 400 bytes.
    // So the limit that takes two of them beside one that is empty is 800 bytes and twice one of them.
    [TestCase(0, 0, 0, 0, ExpectedResult = 1600)]
    [TestCase(5, 0, 0, 0, ExpectedResult = 1610)]
    [TestCase(5, 3, 0, 0, ExpectedResult = 1646)]
    [TestCase(5, 3, 10, 0, ExpectedResult = 1766)]
    [TestCase(5, 3, 10, 7, ExpectedResult = 1850)]
    public int A_message_has_as_many_bytes_as_the_bus_takes_and_not_one_more(int data, int names, int traceParent, int traceState)
    {
        var traced = Event(new string('k', names / 3), new string('t', names - (names / 3)), data) with { TraceParent = Text(traceParent), TraceState = Text(traceState) };
        var next = Pending(traced, traced);

        // The bytes of the second publish are what the limit has to have beyond the first.
        var first = Pending(Event("", "", 0));
        var needed = Enumerable.Range(0, 5_000).First(bytes => new Group(Limits with { MessageBytes = bytes }, first).Takes(next));

        var both = new Group(Limits with { MessageBytes = (needed * 2) - 800 }, first);
        Assert.That(both.Takes(next), Is.True);
        both.Add(next);
        Assert.That(both.Takes(next), Is.True, "what is in it counts as much as what comes");
        both.Add(next);
        Assert.That(both.Takes(first), Is.False);
        return needed;
    }

    [TestCase("nine.char", true)]
    [TestCase("ten.chars.", false)]
    [TestCase("ääää", true)]
    [TestCase("äääää", false)]
    [TestCase("世世世", true)]
    [TestCase("", true)]
    public void What_has_a_key_that_the_bus_does_not_take_goes_alone(string key, bool isShared) => Judge(Event(key), isShared);

    [TestCase("twelve.chars", true)]
    [TestCase("thirteen.char", false)]
    [TestCase("ääääää", true)]
    [TestCase("äääääää", false)]
    public void What_has_a_type_that_the_bus_does_not_take_goes_alone(string type, bool isShared) => Judge(Event(type: type), isShared);

    [Test]
    public void One_event_that_the_bus_may_refuse_is_enough_to_go_alone()
    {
        var group = new Group(Limits, Pending(Event()));

        Assert.That(group.Takes(Pending(Event(), Event("far.too.long"))), Is.False);
        Assert.That(new Group(Limits, Pending(Event("far.too.long"), Event())).TakesMore, Is.False);
    }

    [Test]
    public void A_decision_goes_alone_whether_it_is_of_several_events_or_bound_to_a_log()
    {
        PendingPublish[] decisions = [new(new NewMessage([Event()]) { Atomic = true }), new(new NewMessage([Event()]), "log")];

        foreach (var decision in decisions)
        {
            Assert.That(new Group(Limits, Pending(Event())).Takes(decision), Is.False);
            Assert.That(new Group(Limits, decision).TakesMore, Is.False);
            Assert.That(new Group(Limits, decision).Takes(Pending(Event())), Is.False);
        }
    }

    private static void Judge(NewEvent e, bool isShared)
    {
        Assert.That(new Group(Limits, Pending(e)).TakesMore, Is.EqualTo(isShared), "as the first");
        Assert.That(new Group(Limits, Pending(Event())).Takes(Pending(e)), Is.EqualTo(isShared), "as the next");
    }

    private static string? Text(int length) => length == 0 ? null : new string('x', length);

    private static NewEvent Event(string key = "k", string type = "t", int data = 1) => new(key, null, 1, type, new byte[data]);

    private static PendingPublish Pending(params NewEvent[] events) => new(new NewMessage(events));
}
