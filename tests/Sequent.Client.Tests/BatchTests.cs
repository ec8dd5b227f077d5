using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>Several events: together as one decision, or each on its own in as few messages as possible.</summary>
internal sealed class BatchTests : BusTest
{
    private static EventToPublish Deposit(string key, decimal amount = 1m, uint? value = null) => new(new Deposited(amount), new Sequence(key, value));

    [Test]
    public async Task Many_events_have_a_receipt_each_in_their_order()
    {
        var receipts = await Client.PublishAllAsync([Deposit("a"), Deposit("b"), Deposit("a")], Token);

        Assert.That(receipts.Select(r => (r.Key, r.Value, r.Position)), Is.EqualTo(new[] { ("a", (uint?)0, (long?)1), ("b", 0u, 2L), ("a", 1u, 3L) }));
    }

    [Test]
    public async Task Of_many_events_each_is_accepted_or_not_on_its_own()
    {
        var thrown = await ThrownByAsync<SequenceConflictException>(() => Client.PublishAllAsync([Deposit("a"), Deposit("b", value: 7), Deposit("c")], Token));

        Assert.That((thrown.Key, thrown.Expected), Is.EqualTo(("b", (uint?)0)));
        Assert.That(thrown.Receipts.Select(r => r.Status), Is.EqualTo(new[] { ReceiptStatus.Success, ReceiptStatus.Inconsistent, ReceiptStatus.Success }));
        Assert.That((await Client.TryPublishAllAsync([Deposit("b", value: 7)], Token))[0].Expected, Is.Zero);
    }

    [Test]
    public async Task An_atomic_batch_is_stored_whole()
    {
        var receipts = await Client.PublishAtomicAsync([Deposit("a", value: 0), Deposit("b", value: 0)], cancellationToken: Token);

        Assert.That(receipts.Select(r => r.Position), Is.EqualTo(new long?[] { 1, 2 }));
        Assert.That(Bus.Received.OfType<NewMessage>().Single().Atomic, Is.True);
    }

    [Test]
    public async Task An_atomic_batch_with_a_conflict_is_not_stored_at_all()
    {
        var thrown = await ThrownByAsync<SequenceConflictException>(() => Client.PublishAtomicAsync([Deposit("a"), Deposit("b", value: 3)], cancellationToken: Token));

        Assert.That((thrown.Key, thrown.Receipts[0].Reason), Is.EqualTo(("b", RejectReasons.AtomicBatchFailed)));
        Assert.That(await EventsOfAsync("a", "b"), Is.Empty);
    }

    [Test]
    public async Task A_key_that_was_only_read_must_not_have_moved_on()
    {
        await Client.PublishAsync(new Deposited(1m), "read", cancellationToken: Token);
        var expect = new Dictionary<string, uint?> { ["read"] = null };

        var thrown = await ThrownByAsync<SequenceConflictException>(() => Client.PublishAtomicAsync([Deposit("a")], expect, Token));

        Assert.That((thrown.Key, thrown.Value, thrown.Expected), Is.EqualTo(("read", (uint?)null, (uint?)1)));
        expect["read"] = 0;
        Assert.That((await Client.PublishAtomicAsync([Deposit("a")], expect, Token))[0].IsSuccess, Is.True);
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_batch_that_cannot_be_one_is_refused_before_it_is_sent()
    {
        await ThrownByAsync<ArgumentException>(() => Client.PublishAtomicAsync([], cancellationToken: Token));
        await ThrownByAsync<ArgumentException>(() => Client.PublishAtomicAsync([Deposit("a")], new Dictionary<string, uint?> { ["a"] = null }, Token));
        Assert.That(Bus.Received, Is.Empty);
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task What_waits_while_a_frame_is_being_sent_goes_out_as_one_message()
    {
        Bus.IsDown = true; // everything gathers
        var publishing = Client.PublishAllAsync([.. Enumerable.Range(0, 200).Select(i => Deposit($"k{i}"))], Token);
        await UntilAsync(() => Client.State == ConnectionState.Connecting, "it tries to connect");
        Bus.IsDown = false;

        Assert.That((await publishing).All(r => r.IsSuccess), Is.True);
        Assert.That(Bus.CountReceived<NewMessage>(), Is.LessThan(20), "200 publishes");
    }

    [Test]
    public async Task An_atomic_batch_shares_its_message_with_nobody()
    {
        Bus.IsDown = true;
        var one = Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        var batch = Client.PublishAtomicAsync([Deposit("b"), Deposit("c")], cancellationToken: Token);
        var other = Client.PublishAsync(new Deposited(1m), "d", cancellationToken: Token);
        Bus.IsDown = false;
        await Task.WhenAll(one, batch, other);

        Assert.That(Bus.Received.OfType<NewMessage>().Single(m => m.Atomic).Events.Select(e => e.Key), Is.EqualTo(new[] { "b", "c" }));
    }

    [Test]
    public async Task A_publish_the_bus_refuses_fails_alone()
    {
        Bus.IsDown = true;
        var good = Enumerable.Range(0, 10).Select(i => Client.PublishAsync(new Deposited(i), $"k{i}", cancellationToken: Token)).ToArray();
        var bad = Client.PublishAsync(new Deposited(1m), new string('k', 600), cancellationToken: Token);
        var more = Client.PublishAsync(new Deposited(1m), "more", cancellationToken: Token);
        Bus.IsDown = false;

        await ThrownByAsync<RequestFailedException>(() => bad);
        Assert.That((await Task.WhenAll([.. good, more])).All(r => r.IsSuccess), Is.True);
    }

    [Test]
    public async Task Of_many_events_that_do_not_all_get_a_receipt_each_outcome_is_told()
    {
        var thrown = await ThrownByAsync<PublishAllException>(() => Client.TryPublishAllAsync([Deposit("a"), Deposit(new string('k', 600)), Deposit("b")], Token));

        Assert.That(thrown.Outcomes.Select(o => o.Receipt?.Position), Is.EqualTo(new long?[] { 1, null, 2 }));
        Assert.That(thrown.Outcomes[1].Failure, Is.InstanceOf<RequestFailedException>().And.SameAs(thrown.InnerException));
        Assert.That(thrown.Message, Does.StartWith("1 of 3 events have no receipt, 0 of them may be stored."));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Many_events_that_were_cancelled_before_any_was_sent_are_just_cancelled()
    {
        Bus.IsDown = true;
        using var cancel = new CancellationTokenSource();
        var publishing = Client.PublishAllAsync([Deposit("a"), Deposit("b")], cancel.Token);
        await cancel.CancelAsync();

        Assert.That(async () => await publishing, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task A_message_of_several_that_is_refused_is_sent_again_one_by_one()
    {
        Bus.IsDown = true;
        var publishing = Client.PublishAllAsync([Deposit("a"), Deposit("b"), Deposit("c")], Token);
        Bus.RefuseNext<NewMessage>(ErrorCodes.InvalidMessage);
        Bus.IsDown = false;

        Assert.That((await publishing).Select(r => r.Position), Is.EqualTo(new long?[] { 1, 2, 3 }), "in their order");
        Assert.That(Bus.Received.OfType<NewMessage>().Select(m => m.Events.Count), Is.EqualTo(new[] { 3, 1, 1, 1 }));
    }

    [Test]
    public async Task Who_was_told_that_nothing_was_sent_is_not_sent_after_that()
    {
        for (var i = 0; i < 5; i++)
            Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);
        using var cancel = new CancellationTokenSource();
        Bus.IsDown = true; // so that the two go out together
        var kept = Client.PublishAsync(new Deposited(1m), "kept", cancellationToken: Token);
        var given = Client.PublishAsync(new Deposited(2m), "given", cancellationToken: cancel.Token);
        Bus.IsDown = false;
        await UntilAsync(() => Bus.CountReceived<NewMessage>() >= 2, "they were refused at least once");
        await cancel.CancelAsync();

        // Unknown only if the cancellation met an attempt under way.
        var thrown = await ThrownByAsync<Exception>(() => given);
        Assert.That(thrown, Is.InstanceOf<OperationCanceledException>().Or.InstanceOf<OutcomeUnknownException>());
        Assert.That((await kept).IsSuccess, Is.True);
        if (thrown is OperationCanceledException)
            Assert.That(await EventsOfAsync("given"), Is.Empty);
    }

    [Test]
    public async Task More_publishes_than_may_be_in_flight_all_get_through_a_store_that_fails()
    {
        var client = NewClient(o => o.MaxInFlight = 2);
        for (var i = 0; i < 5; i++)
            Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);

        var receipts = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => client.PublishAsync(new Deposited(i), "k", cancellationToken: Token)));

        Assert.That(receipts.Select(r => r.Value), Is.EquivalentTo(Enumerable.Range(0, 20).Select(i => (uint?)i)));
    }

    [Test]
    public async Task Connection_changes_are_told_in_order_and_a_subscriber_that_fails_disturbs_nobody()
    {
        var client = NewClient();
        var states = new List<(ConnectionState, bool)>();
        client.StateChanged += (_, change) =>
        {
            lock (states)
                states.Add((change.State, change.Bus is not null));
            throw new InvalidOperationException("not the client's business");
        };
        await client.ConnectAsync(Token);
        Bus.CutAll();
        await UntilAsync(() => Bus.Connections == 2, "it connected again");
        await client.ConnectAsync(Token);
        await client.DisposeAsync();
        await UntilAsync(() => states.Count >= 5, "all changes were told");

        Assert.That(states, Is.EqualTo(new[]
        {
            (ConnectionState.Connecting, false), (ConnectionState.Connected, true), (ConnectionState.Connecting, false),
            (ConnectionState.Connected, true), (ConnectionState.Closed, false),
        }));
    }
}
