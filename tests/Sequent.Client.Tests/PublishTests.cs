using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class PublishTests : BusTest
{
    [Test]
    public async Task A_published_event_gets_the_next_value_of_its_key_and_a_place_in_the_log()
    {
        var first = await Client.PublishAsync(new Deposited(50m), "acc-7", cancellationToken: Token);
        var second = await Client.PublishAsync(new Withdrawn(20m), Sequence.At("acc-7", 1), cancellationToken: Token);

        Assert.That((first.Status, first.Key, first.Value, first.Position), Is.EqualTo((ReceiptStatus.Success, "acc-7", 0, 1)));
        Assert.That((second.Status, second.Value, second.Position), Is.EqualTo((ReceiptStatus.Success, 1, 2)));
        Assert.That(first.EventId.Version, Is.EqualTo(7));
    }

    [Test]
    public async Task Options_go_with_the_event()
    {
        var id = Guid.NewGuid();
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

        await Client.PublishAsync(new Renamed("a"), "k", new PublishOptions { EventId = id, CorrelationId = 42, TraceParent = trace }, Token);

        var e = (await EventsOfAsync("k")).Single();
        Assert.That((e.EventId, e.CorrelationId, e.TraceParent, e.EventType, e.Data), Is.EqualTo((id, 42, trace, "renamed.v2", new Renamed("a"))));
        Assert.That(e.Time, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task A_value_that_is_not_due_is_a_conflict_that_names_the_one_that_is()
    {
        await Client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        var receipt = await Client.TryPublishAsync(new Deposited(2m), Sequence.At("acc-7", 7), cancellationToken: Token);
        var thrown = await ThrownByAsync<SequenceConflictException>(() => Client.PublishAsync(new Deposited(2m), Sequence.At("acc-7", 7), cancellationToken: Token));

        Assert.That((receipt.Status, receipt.IsSuccess, receipt.Expected), Is.EqualTo((ReceiptStatus.Inconsistent, false, 1)));
        Assert.That((thrown.Key, thrown.Value, thrown.Expected), Is.EqualTo(("acc-7", 7, 1)));
    }

    [Test]
    public async Task An_id_that_is_stored_already_is_a_duplicate_with_the_place_of_the_first()
    {
        var options = new PublishOptions { EventId = Guid.NewGuid() };
        var first = await Client.PublishAsync(new Deposited(1m), "a", options, Token);

        var second = await Client.PublishAsync(new Deposited(1m), "b", options, Token);

        Assert.That((second.Status, second.IsSuccess, second.Key, second.Position), Is.EqualTo((ReceiptStatus.Duplicate, true, "a", first.Position)));
    }

    [Test]
    public async Task A_publish_whose_receipt_is_lost_is_sent_again_under_its_id_and_stored_once()
    {
        Bus.LoseAnswerToNext<NewMessage>();

        var receipt = await Client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        Assert.That((receipt.Status, receipt.Value, receipt.Position), Is.EqualTo((ReceiptStatus.Success, 0, 1)));
        Assert.That(await EventsOfAsync("acc-7"), Has.Count.EqualTo(1));
        Assert.That(Bus.CountReceived<NewMessage>(), Is.EqualTo(2));
    }

    [TestCase(1, ReceiptStatus.Success)]
    [TestCase(2, ReceiptStatus.Duplicate)]
    public async Task Under_an_id_that_was_given_only_the_same_event_is_a_success_when_its_receipt_is_lost(int amount, ReceiptStatus expected)
    {
        var options = new PublishOptions { EventId = Guid.CreateVersion7() };
        if (expected == ReceiptStatus.Duplicate)
            await Client.PublishAsync(new Deposited(1m), "k", options, Token);
        Bus.LoseAnswerToNext<NewMessage>();

        var receipt = await Client.TryPublishAsync(new Deposited(amount), "k", options, Token);

        Assert.That((receipt.Status, receipt.Position), Is.EqualTo((expected, (long?)1)));
    }

    [Test]
    public async Task Publishes_under_way_keep_their_order_over_a_lost_connection()
    {
        await Client.ConnectAsync(Token);
        Bus.LoseNext<NewMessage>();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Client.PublishAsync(new Deposited(i), Sequence.At("k", (uint)i), cancellationToken: Token)));

        Assert.That((await EventsOfAsync("k")).Select(e => ((Deposited)e.Data).Amount), Is.EqualTo(Enumerable.Range(0, 50)));
    }

    [Test]
    public async Task The_first_connect_is_tried_until_the_bus_is_there()
    {
        Bus.IsDown = true;
        var publishing = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Client.State == ConnectionState.Connecting, "the client tries");
        Assert.That(publishing.IsCompleted, Is.False);

        Bus.IsDown = false;

        Assert.That((await publishing).Position, Is.EqualTo(1));
        Assert.That(Client.State, Is.EqualTo(ConnectionState.Connected));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_publish_that_cannot_be_sent_in_time_says_that_nothing_was_sent()
    {
        Bus.IsDown = true;
        var time = new FakeTimeProvider();
        var client = NewClient(o => (o.PublishTimeout, o.TimeProvider) = (TimeSpan.FromSeconds(5), time));
        var publishing = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        await AdvanceUntilAsync(time, () => publishing.IsCompleted);

        Assert.That(publishing.Exception?.InnerException, Is.TypeOf<BusUnavailableException>());
    }

    [Test]
    public async Task A_publish_without_a_receipt_in_time_says_that_its_outcome_is_unknown()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var client = NewClient(o => (o.PublishTimeout, o.TimeProvider) = (TimeSpan.FromSeconds(5), time));
        var id = Guid.NewGuid();
        Bus.SwallowNext<NewMessage>();
        var publishing = client.PublishAsync(new Deposited(1m), "k", new PublishOptions { EventId = id }, Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        time.Advance(TimeSpan.FromSeconds(5));

        var thrown = await ThrownByAsync<OutcomeUnknownException>(() => publishing);
        Assert.That(thrown.EventId, Is.EqualTo(id));
    }

    [Test]
    public async Task A_caller_who_cancels_what_was_sent_is_told_that_it_may_be_stored_and_frees_its_place()
    {
        var client = NewClient(o => o.MaxInFlight = 1);
        using var cancel = new CancellationTokenSource();
        Bus.SwallowNext<NewMessage>();
        var cancelled = client.PublishAsync(new Deposited(1m), "k", cancellationToken: cancel.Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");
        var next = client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);

        await cancel.CancelAsync();

        var thrown = await ThrownByAsync<OutcomeUnknownException>(() => cancelled);
        Assert.That(thrown.InnerException, Is.InstanceOf<OperationCanceledException>());
        Assert.That((await next).Value, Is.Zero);
    }

    [TestCase(ErrorCodes.StoreUnavailable)]
    [TestCase(ErrorCodes.ShuttingDown)]
    public async Task What_the_bus_cannot_store_now_is_sent_again(string code)
    {
        Bus.RefuseNext<NewMessage>(code);

        var receipt = await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        Assert.That((receipt.Status, Bus.CountReceived<NewMessage>()), Is.EqualTo((ReceiptStatus.Success, 2)));
        Assert.That(Bus.Received.OfType<NewMessage>().Select(m => m.Events[0].EventId).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task What_the_bus_refuses_for_good_is_thrown()
    {
        Bus.RefuseNext<NewMessage>(ErrorCodes.RateLimited);

        var thrown = await ThrownByAsync<RequestFailedException>(() => Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token));

        Assert.That(thrown.Code, Is.EqualTo(ErrorCodes.RateLimited));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_message_that_is_too_large_fails_alone()
    {
        var thrown = await ThrownByAsync<RequestFailedException>(() => Client.PublishAsync(new Renamed(new string('x', 2_000_000)), "k", cancellationToken: Token));
        var receipt = await Client.PublishAsync(new Renamed("x"), "k", cancellationToken: Token);

        Assert.That(thrown.Code, Is.EqualTo(ErrorCodes.MessageTooLarge));
        Assert.That((receipt.Status, Bus.Connections), Is.EqualTo((ReceiptStatus.Success, 1)));
    }

    [Test]
    public async Task A_key_beyond_the_limit_of_the_bus_is_refused_with_its_path()
    {
        var thrown = await ThrownByAsync<RequestFailedException>(() => Client.PublishAsync(new Deposited(1m), new string('k', 513), cancellationToken: Token));

        Assert.That((thrown.Code, thrown.Path), Is.EqualTo((ErrorCodes.InvalidMessage, "$.events[0].consistency.key")));
    }

    [Test]
    public async Task More_publishes_than_may_be_in_flight_wait_their_turn()
    {
        var client = NewClient(o => o.MaxInFlight = 2);

        var receipts = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token)));

        Assert.That(receipts.Select(r => r.Value), Is.EqualTo(Enumerable.Range(0, 100).Select(i => (uint?)i)));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Disposing_waits_for_receipts_that_are_due()
    {
        await Client.ConnectAsync(Token);
        var publishing = Enumerable.Range(0, 20).Select(_ => Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token)).ToArray();

        await Client.DisposeAsync();

        Assert.That((await Task.WhenAll(publishing)).Select(r => r.IsSuccess), Is.All.True);
        Assert.That(Client.State, Is.EqualTo(ConnectionState.Closed));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task After_disposing_nothing_can_be_published()
    {
        await Client.DisposeAsync();
        await Client.DisposeAsync();

        Assert.That(async () => await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(async () => await Client.ConnectAsync(Token), Throws.TypeOf<ObjectDisposedException>());
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Disposing_fails_what_has_no_receipt_in_time()
    {
        var time = new FakeTimeProvider();
        var client = NewClient(o => o.TimeProvider = time);
        Bus.SwallowNext<NewMessage>();
        var sent = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        var disposing = client.DisposeAsync().AsTask();
        await AdvanceUntilAsync(time, () => disposing.IsCompleted);

        Assert.That(async () => await sent, Throws.TypeOf<OutcomeUnknownException>());
    }

    [Test]
    public async Task Connecting_tells_about_the_bus()
    {
        Assert.That(Client.State, Is.EqualTo(ConnectionState.Idle));

        var bus = await Client.ConnectAsync(Token);

        Assert.That((bus.LogId, bus.Position), Is.Not.EqualTo(("", 0)));
        Assert.That(bus.Version, Is.Not.Empty);
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public void An_unpaired_surrogate_in_a_key_is_refused_before_anything_is_sent()
    {
        Assert.That(async () => await Client.PublishAsync(new Deposited(1m), "\ud800", cancellationToken: Token), Throws.InstanceOf<ArgumentException>());
        Assert.That(Bus.Received, Is.Empty);
    }

    private static Task AdvanceUntilAsync(FakeTimeProvider time, Func<bool> condition) => UntilAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return condition();
        },
        "the time has passed");
}
