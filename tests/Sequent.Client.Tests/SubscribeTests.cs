using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class SubscribeTests : BusTest
{
    private static readonly SubscriptionOptions Accounts = new("accounts") { Start = Start.Earliest, DrainTimeout = TimeSpan.FromMilliseconds(50) };

    [Test]
    public async Task Deliveries_come_in_order_and_an_acked_one_does_not_come_again()
    {
        await PublishAsync("k", 1, 2);
        await using (var deliveries = Subscribe(Accounts))
        {
            var first = await deliveries.NextAsync();
            Assert.That((first.Event.Data, first.Event.Value, first.Attempt, first.Redelivered), Is.EqualTo((new Deposited(1m), 0, 1, false)));
            await first.AckAsync(Token);
            await first.AckAsync(Token);
        }

        await using var again = Subscribe(Accounts);
        var second = await again.NextAsync();
        Assert.That((second.Event.Value, second.Redelivered), Is.EqualTo((1, true)));
    }

    [Test]
    public async Task Only_the_types_asked_for_are_delivered_and_a_new_client_type_may_start_late()
    {
        await PublishAsync("k", 1);
        await using var deliveries = Subscribe(new SubscriptionOptions("late") { Types = ["Deposited"], Start = Start.Latest, Instance = "one", MaxInFlight = 10, DrainTimeout = TimeSpan.Zero });

        await UntilDeliveredAsync(deliveries, new Deposited(2m));

        Assert.That(Bus.Received.OfType<RegisterMessage>().Single(), Has.Property("Instance").EqualTo("one").And.Property("MaxInFlight").EqualTo(10));
    }

    [Test]
    public async Task A_start_after_a_position_leaves_out_what_is_before_and_needs_the_right_log()
    {
        await PublishAsync("k", 1, 2, 3);
        var bus = await Client.ConnectAsync(Token);

        await using var deliveries = Subscribe(new SubscriptionOptions("a") { Start = Start.After(bus.LogId, 2), DrainTimeout = TimeSpan.Zero });
        Assert.That((await deliveries.NextAsync()).Event.Position, Is.EqualTo(3));

        await using var other = Subscribe(new SubscriptionOptions("b") { Start = Start.After("another", 2), DrainTimeout = TimeSpan.Zero });
        var thrown = await ThrownByAsync<RequestFailedException>(() => other.NextAsync());
        Assert.That(thrown.Code, Is.EqualTo(ErrorCodes.LogChanged));
    }

    [Test]
    public async Task After_a_lost_connection_it_registers_again_and_what_was_not_acked_comes_again()
    {
        await PublishAsync("k", 1, 2);
        await using var deliveries = Subscribe(Accounts);
        var lost = await deliveries.NextAsync();

        Bus.CutAll();

        // The second event may have been here before the connection was known to be lost.
        await UntilAsync(() => lost.Revoked.IsCancellationRequested, "the loss is noticed");
        var again = await deliveries.NextAsync();
        if (!again.Redelivered)
            again = await deliveries.NextAsync();
        Assert.That((again.Event.Value, again.Redelivered, lost.Revoked.IsCancellationRequested), Is.EqualTo((0, true, true)));
        await lost.AckAsync(Token);
        await lost.NackAsync(cancellationToken: Token);
        await again.AckAsync(Token);
        Assert.That((await deliveries.NextAsync()).Event.Value, Is.EqualTo(1));
    }

    [Test]
    public async Task A_nacked_event_comes_again_before_the_later_ones_of_its_key()
    {
        await PublishAsync("k", 1, 2, 3);
        await PublishAsync("other", 4);
        await using var deliveries = Subscribe(Accounts);
        var first = await deliveries.NextAsync();
        var second = await deliveries.NextAsync();
        await first.AckAsync(Token);

        await second.NackAsync(new NackOptions { Delay = TimeSpan.FromMilliseconds(1), Reason = "Busy" }, Token);

        Assert.That(second.Revoked.IsCancellationRequested, Is.True);
        var next = new List<(string Key, uint Value, int Attempt)>();
        for (var i = 0; i < 3; i++)
        {
            var delivery = await deliveries.NextAsync();
            next.Add((delivery.Event.Key, delivery.Event.Value, delivery.Attempt));
            await delivery.AckAsync(Token);
        }

        Assert.That(next, Is.EquivalentTo(new[] { ("other", 0u, 1), ("k", 1u, 2), ("k", 2u, 1) }));
        Assert.That(next.Where(n => n.Key == "k").Select(n => n.Value), Is.Ordered);
        Assert.That(Bus.Received.OfType<NackMessage>().Single(), Has.Property("Reason").EqualTo("Busy").And.Property("DelayMs").EqualTo(1));
    }

    [Test]
    public async Task A_delivery_that_is_on_its_way_when_an_earlier_one_is_nacked_is_left_out()
    {
        await PublishAsync("k", 1);
        await using var deliveries = Subscribe(Accounts);
        var first = await deliveries.NextAsync();

        // The bus hears of the nack only after it has sent the next event of the key.
        Bus.BeforeNext<NackMessage>(async () =>
        {
            await PublishAsync("k", 2);
            await PublishAsync("other", 3);
        });
        await first.NackAsync(new NackOptions { Delay = TimeSpan.FromMilliseconds(1) }, Token);

        var values = new List<uint>();
        while (values.Count < 2)
        {
            var delivery = await deliveries.NextAsync();
            await delivery.AckAsync(Token);
            if (delivery.Event.Key == "k")
                values.Add(delivery.Event.Value);
        }

        Assert.That(values, Is.EqualTo([0, 1]));
    }

    [Test]
    public async Task A_delivery_that_the_bus_takes_back_is_revoked_and_its_ack_settles_nothing()
    {
        await PublishAsync("k", 1, 2);
        await PublishAsync("other", 3);
        await using var deliveries = Subscribe(Accounts);
        var taken = await deliveries.NextAsync();

        await Bus.RevokeAsync(1, 2);
        await UntilAsync(() => taken.Revoked.IsCancellationRequested, "it is revoked");
        await taken.AckAsync(Token);
        var next = await deliveries.NextAsync();
        await next.AckAsync(Token);

        await UntilAsync(() => Bus.CountReceived<AckMessage>() == 1, "the other is acked");
        Assert.That((next.Event.Key, Bus.Received.OfType<AckMessage>().Single().Deliveries), Is.EqualTo(("other", new[] { 3L })));
    }

    [Test]
    public async Task A_dead_lettered_event_lets_its_key_go_on()
    {
        await PublishAsync("k", 1, 2);
        await using var deliveries = Subscribe(Accounts);

        await (await deliveries.NextAsync()).NackAsync(new NackOptions { DeadLetter = true, Reason = "Poison" }, Token);

        Assert.That((await deliveries.NextAsync()).Event.Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Acks_that_wait_go_out_together()
    {
        await PublishAsync("k", [.. Enumerable.Range(1, 15)]);
        await using var deliveries = Subscribe(Accounts);
        var taken = new List<Delivery>();
        for (var i = 0; i < 15; i++)
            taken.Add(await deliveries.NextAsync());

        await Task.WhenAll(taken.Select(d => d.AckAsync(Token).AsTask()));

        await UntilAsync(() => Bus.Received.OfType<AckMessage>().Sum(a => a.Deliveries!.Count) == 15, "all are acked");
        Assert.That(Bus.Received.OfType<AckMessage>().SelectMany(a => a.Deliveries!), Is.EqualTo(taken.Select(d => d.Number)));
    }

    [Test]
    public async Task A_registration_the_bus_cannot_store_now_is_tried_again()
    {
        Bus.RefuseNext<RegisterMessage>(ErrorCodes.StoreUnavailable);
        await PublishAsync("k", 1);

        await using var deliveries = Subscribe(Accounts);

        Assert.That((await deliveries.NextAsync()).Event.Value, Is.Zero);
    }

    [Test]
    public async Task A_refused_ack_is_logged_and_nothing_else()
    {
        await PublishAsync("k", 1, 2);
        Bus.RefuseNext<AckMessage>(ErrorCodes.Internal);
        await using var deliveries = Subscribe(Accounts);
        await (await deliveries.NextAsync()).AckAsync(Token);

        Assert.That((await deliveries.NextAsync()).Event.Value, Is.EqualTo(1));
        Assert.That(Bus.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task A_nack_may_wait_at_most_an_hour()
    {
        await PublishAsync("k", 1);
        await using var deliveries = Subscribe(Accounts);
        var delivery = await deliveries.NextAsync();

        Assert.That(async () => await delivery.NackAsync(new NackOptions { Delay = TimeSpan.FromHours(2) }, Token), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public async Task Disposing_the_client_ends_its_subscriptions()
    {
        await PublishAsync("k", 1);
        var client = NewClient();
        await using var deliveries = new Deliveries(client.SubscribeAsync(Accounts, Token).GetAsyncEnumerator(Token));
        await deliveries.NextAsync();
        var next = deliveries.NextAsync();

        await client.DisposeAsync();

        Assert.That(async () => await next, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_loop_does_not_go_on_waiting_when_the_connection_is_lost_while_the_client_is_disposed_of()
    {
        await PublishAsync("k", 1);
        var client = NewClient();
        await using var deliveries = new Deliveries(client.SubscribeAsync(Accounts with { DrainTimeout = TimeSpan.FromSeconds(20) }, Token).GetAsyncEnumerator(Token));
        var unsettled = await deliveries.NextAsync();
        var next = deliveries.NextAsync();

        var disposing = client.DisposeAsync();
        await UntilAsync(() => Bus.CountReceived<UnregisterMessage>() == 1, "it has told that it takes nothing more");
        Bus.CutAll();

        Assert.That(async () => await next, Throws.TypeOf<ObjectDisposedException>());
        await disposing;
        Assert.That(unsettled.Revoked.IsCancellationRequested, Is.True);
    }

    [Test]
    public async Task A_client_that_is_disposed_of_hands_out_nothing_more_but_what_was_handed_out_is_settled()
    {
        await PublishAsync("k", 1, 2, 3);
        var client = NewClient();
        await using var deliveries = new Deliveries(client.SubscribeAsync(Accounts with { DrainTimeout = TimeSpan.FromSeconds(20) }, Token).GetAsyncEnumerator(Token));
        var taken = await deliveries.NextAsync();

        var disposing = client.DisposeAsync();
        await UntilAsync(() => Bus.CountReceived<UnregisterMessage>() == 1, "it is leaving");
        var next = deliveries.NextAsync();
        await taken.AckAsync(Token);

        Assert.That(async () => await next, Throws.TypeOf<ObjectDisposedException>());
        await disposing;
        Assert.That(Bus.Received.OfType<AckMessage>().SelectMany(a => a.Deliveries!), Is.EqualTo(new[] { 1L }));
    }

    [Test]
    public async Task A_reason_of_any_length_gives_an_event_back()
    {
        await PublishAsync("k", 1);
        await using var deliveries = Subscribe(Accounts);
        await (await deliveries.NextAsync()).NackAsync(new NackOptions { Delay = TimeSpan.Zero, Reason = new string('r', 2_000_000) }, Token);

        Assert.That((await deliveries.NextAsync()).Attempt, Is.EqualTo(2));
        Assert.That(Bus.Received.OfType<NackMessage>().Single().Reason, Has.Length.EqualTo(1_024));
    }

    private Deliveries Subscribe(SubscriptionOptions options) => new(Client.SubscribeAsync(options, Token).GetAsyncEnumerator(Token));

    private async Task PublishAsync(string key, params int[] amounts)
    {
        foreach (var amount in amounts)
            await Client.PublishAsync(new Deposited(amount), key, cancellationToken: Token);
    }

    /// <summary>Publishes until one arrives: whether the registration or the event was first is not to be seen from here.</summary>
    private async Task UntilDeliveredAsync(Deliveries deliveries, Deposited data)
    {
        var next = deliveries.NextAsync();
        while (!next.IsCompleted)
        {
            await Client.PublishAsync(data, "k", cancellationToken: Token);
            await Client.PublishAsync(new Withdrawn(1m), "k", cancellationToken: Token);
        }

        Assert.That((await next).Event.Data, Is.EqualTo(data));
    }

    private sealed class Deliveries(IAsyncEnumerator<Delivery> deliveries) : IAsyncDisposable
    {
        public async Task<Delivery> NextAsync()
        {
            Assert.That(await deliveries.MoveNextAsync(), Is.True);
            return deliveries.Current;
        }

        public ValueTask DisposeAsync() => deliveries.DisposeAsync();
    }
}
