using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What an operator does to a queue, and what the random histories do not reach.</summary>
internal sealed class ClientTypeQueueTests
{
    private static readonly DeliveryLimits Limits = new();

    private Inbox _inbox = null!;

    [SetUp]
    public void NewInbox() => _inbox = new Inbox();

    private static ClientTypeQueue Queue(DeliveryLimits? limits = null, ClientTypeRecord? saved = null)
    {
        var queue = new ClientTypeQueue(saved ?? new ClientTypeRecord("accounts", 0, [], []), limits ?? Limits, 0);
        queue.Tick(1_000, 5);
        return queue;
    }

    private Instance Join(ClientTypeQueue queue, int window = 100)
    {
        var instance = new Instance(_inbox, TypeFilter.All, window, window, 0);
        queue.Join(instance);
        return instance;
    }

    private static EventHeader Event(long position, string key = "k") => new(position, key, (uint)position, "t");

    [Test]
    public void A_reset_voids_what_waits_to_become_a_dead_letter()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Nack(instance, 1, null, "poison", deadLetter: true);
        var saving = queue.TakeChanges();
        queue.Reset(0);
        queue.Saved(saving);
        queue.Offer(Event(1));
        Assert.That(_inbox.Deliveries.Select(d => d.Position), Is.EqualTo(new[] { 1, 1 }), "judged again, and not held by the letter that was being stored");
        Assert.That(queue.TakeChanges().StartsOver, Is.True);
    }

    [Test]
    public void A_dead_letter_that_a_reset_brings_back_is_not_redriven_beside_its_order()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Nack(instance, 1, null, null, deadLetter: true);
        queue.Saved(queue.TakeChanges());
        queue.Reset(0);
        queue.Redrive(Event(1));
        queue.Offer(Event(1));
        queue.Redrive(Event(1));
        Assert.That(_inbox.Deliveries, Has.Count.EqualTo(2));
        Assert.That(queue.TakeChanges().RemovedDeadLetters, Is.EqualTo(new[] { 1, 1 }));
    }

    [Test]
    public void A_dead_letter_that_is_redriven_before_its_save_is_told_comes_again()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Nack(instance, 1, null, null, deadLetter: true);
        var saving = queue.TakeChanges();
        queue.Redrive(Event(1));
        Assert.That(queue.TakeChanges().RemovedDeadLetters, Is.Empty, "the letter stands until the event is owed again");
        queue.Saved(saving);
        Assert.That(_inbox.Deliveries.Select(d => (d.Position, d.Redriven)), Is.EqualTo(new[] { (1L, false), (1L, true) }));
        var changes = queue.TakeChanges();
        Assert.That((changes.RemovedDeadLetters.Single(), changes.Redriven!.Single().Position), Is.EqualTo((1L, 1L)));
    }

    [Test]
    public void A_dead_letter_carries_the_time_of_the_wall_clock()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Tick(2_000, 42);
        queue.Nack(instance, 1, null, null, deadLetter: true);
        Assert.That(queue.TakeChanges().DeadLetters.Single().TimeMicros, Is.EqualTo(42));
    }

    [Test]
    public void A_short_back_off_does_not_end_the_longer_one_of_a_later_event_of_the_key()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Offer(Event(2));
        queue.Nack(instance, 2, 60_000, null, deadLetter: false);
        queue.Nack(instance, 1, 20_000, null, deadLetter: false);
        queue.Tick(30_000, 5);
        Assert.That(_inbox.Deliveries.Select(d => d.Position), Is.EqualTo(new[] { 1, 2, 1 }));
        queue.Tick(61_000, 5);
        Assert.That(_inbox.Deliveries.Select(d => d.Position), Is.EqualTo(new[] { 1, 2, 1, 2 }));
    }

    [Test]
    public void Nothing_is_handed_out_while_the_bus_stops_but_acks_count()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.StopHandingOut();
        Assert.That((queue.Offer(Event(2)), queue.IsQuiet), Is.EqualTo((false, false)));
        queue.Ack(instance, [1]);
        Assert.That(queue.IsQuiet, Is.True);
    }

    [Test]
    public void Old_clients_of_a_type_that_never_acks_settle_by_being_sent_to()
    {
        var queue = Queue(new DeliveryLimits { AcksSent = new HashSet<string> { "accounts" } });
        var instance = new Instance(_inbox, TypeFilter.All, int.MaxValue, int.MaxValue, 0);
        queue.Join(instance);
        queue.Offer(Event(1));
        queue.Offer(Event(2));
        queue.Sent(instance, 1);
        Assert.That(queue.TakeChanges().Debts.Single().FirstUnacked, Is.EqualTo(2));
    }

    [Test]
    public void A_cursor_that_waits_for_keys_goes_on_when_one_is_settled()
    {
        var queue = Queue(new DeliveryLimits { MaxKeysInDebt = 2 });
        var instance = Join(queue);
        queue.Offer(Event(1, "a"));
        queue.Offer(Event(2, "b"));
        Assert.That((queue.Offer(Event(3, "c")), queue.WaitsForKeys), Is.EqualTo((false, true)));
        Assert.That(queue.Offer(Event(3, "a")), Is.True, "a key in debt is no further one");
        queue.Ack(instance, [2]);
        Assert.That((queue.Offer(Event(4, "c")), queue.WaitsForKeys), Is.EqualTo((true, false)));
    }

    private sealed class Inbox : IDeliveryOutbox
    {
        public List<Handover> Deliveries { get; } = [];

        public void Deliver(Handover handover) => Deliveries.Add(handover);

        public void Revoke(IReadOnlyList<long> deliveries)
        {
        }
    }
}
