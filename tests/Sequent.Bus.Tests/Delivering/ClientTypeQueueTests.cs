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

    private Instance Join(ClientTypeQueue queue, int window = 100, TypeFilter? takes = null)
    {
        var instance = new Instance(_inbox, takes ?? TypeFilter.All, window, window, 0);
        queue.Join(instance);
        return instance;
    }

    private static EventHeader Event(long position, string key = "k", string type = "t") => new(position, key, (uint)position, type);

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

    [Test]
    public void A_delay_stays_with_its_event_when_an_earlier_one_fails_later()
    {
        var queue = Queue();
        var instance = Join(queue);
        for (var position = 1; position <= 3; position++)
            queue.Offer(Event(position));
        queue.Nack(instance, 3, delayMicros: 1_000_000, null, deadLetter: false);
        queue.Nack(instance, 1, delayMicros: 0, null, deadLetter: false);
        Assert.That(_inbox.Deliveries.Skip(3).Select(d => d.Position), Is.EqualTo(new[] { 1, 2 }));
        queue.Tick(1_001_000, 5);
        Assert.That(_inbox.Deliveries.Skip(5).Select(d => d.Position), Is.EqualTo(new[] { 3 }));
    }

    [Test]
    public void A_cursor_waits_for_no_keys_once_nobody_is_there()
    {
        var queue = Queue(new DeliveryLimits { MaxKeysInDebt = 1 });
        var instance = Join(queue);
        queue.Offer(Event(1, "a"));
        queue.Offer(Event(2, "b"));
        Assert.That(queue.WaitsForKeys, Is.True);
        queue.Leave(instance);
        Assert.That(queue.WaitsForKeys, Is.False);
    }

    [Test]
    public void An_old_client_is_handed_no_more_than_its_socket_takes()
    {
        var queue = Queue(new DeliveryLimits { MaxUnsent = 2 });
        var old = new Instance(_inbox, TypeFilter.All, int.MaxValue, int.MaxValue, 0);
        queue.Join(old);
        Assert.That((queue.Offer(Event(1)), queue.Offer(Event(2)), queue.Offer(Event(3))), Is.EqualTo((true, true, false)));
        queue.Sent(old, 1);
        Assert.That((queue.Offer(Event(3)), queue.Offer(Event(4))), Is.EqualTo((true, false)));
    }

    [Test]
    public void Of_an_old_client_that_never_acks_only_what_its_socket_took_counts_as_acked()
    {
        var queue = Queue(new DeliveryLimits { MaxNeverAcked = 1 });
        var old = new Instance(_inbox, TypeFilter.All, int.MaxValue, int.MaxValue, 0);
        queue.Join(old);
        for (var position = 1; position <= 4; position++)
            queue.Offer(Event(position));
        Assert.That(queue.CountedAsAcked, Is.Zero);
        queue.Sent(old, 2);
        Assert.That((queue.CountedAsAcked, queue.TakeChanges().Debts.Single().FirstUnacked), Is.EqualTo((2L, 3L)));
        queue.Sent(old, 4);
        Assert.That(queue.CountedAsAcked, Is.EqualTo(3), "one may stay");
    }

    [Test]
    public void A_stuck_instance_does_not_keep_others_from_what_only_they_take()
    {
        var queue = Queue();
        Join(queue, window: 1, TypeFilter.Of(["x"]));
        Join(queue, window: 5, TypeFilter.Of(["y"]));
        queue.Offer(Event(1, "a", "x"));
        Assert.That(queue.Offer(Event(2, "b", "x")), Is.True, "its key holds it");
        Assert.That(queue.Offer(Event(3, "c", "y")), Is.True);
        Assert.That(_inbox.Deliveries.Select(d => d.Position), Is.EqualTo(new[] { 1, 3 }));
    }

    [Test]
    public void What_nobody_takes_any_more_goes_to_the_dead_letters_a_save_at_a_time()
    {
        var queue = Queue(new DeliveryLimits { InterestGraceMicros = 10, MaxUntakenAtOnce = 2 });
        var gone = Join(queue, takes: TypeFilter.Of(["y"]));
        Join(queue, takes: TypeFilter.Of(["x"]));
        queue.Leave(gone);
        for (var position = 1; position <= 6; position++)
            queue.Offer(Event(position, position < 4 ? "one" : $"k{position}", "y"));
        queue.Tick(2_000, 6);
        var letters = new List<long>();
        for (var saves = 0; saves < 3; saves++)
        {
            var changes = queue.TakeChanges();
            Assert.That(changes.DeadLetters, Has.Count.EqualTo(2));
            letters.AddRange(changes.DeadLetters.Select(l => l.Position));
            queue.Saved(changes);
        }

        Assert.That(letters, Is.EquivalentTo(new[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(queue.KeysInDebt, Is.Zero);
    }

    [Test]
    public void A_letter_whose_save_failed_after_a_reset_is_none()
    {
        var queue = Queue();
        var instance = Join(queue);
        queue.Offer(Event(1));
        queue.Nack(instance, 1, null, "poison", deadLetter: true);
        var saving = queue.TakeChanges();
        queue.Reset(0);
        queue.NotSaved(saving);
        Assert.That(queue.TakeChanges().DeadLetters, Is.Empty, "the event is owed again");
    }

    [Test]
    public void Beyond_the_limit_the_key_that_is_idle_longest_gives_its_instance_up()
    {
        var queue = Queue(new DeliveryLimits { MaxIdleKeys = 2 });
        var instance = Join(queue);
        for (var position = 1; position <= 3; position++)
        {
            queue.Offer(Event(position, $"k{position}"));
            queue.Ack(instance, [position]);
            queue.Tick(2_000 + position, 5);
        }

        Assert.That(new[] { "k1", "k2", "k3" }.Select(key => queue.DescribeKey(key)?.Owner is not null), Is.EqualTo(new[] { false, true, true }));
    }

    [Test]
    public void The_history_of_interest_is_bounded_and_forgets_nothing_that_was_owed()
    {
        var history = new InterestHistory([]);
        for (var i = 1; i <= 1_000; i++)
            history.Change(i, TypeFilter.Of([i % 2 == 0 ? "even" : "odd"]));
        Assert.That(history.Changes, Has.Count.LessThanOrEqualTo(100));
        Assert.That(Enumerable.Range(1, 1_000).All(i => history.TakesAt(i, i % 2 == 0 ? "even" : "odd")), Is.True);
        Assert.That(history.TakesAt(999, "even"), Is.False, "the latest are exact");
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
