using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>A bus that speaks the original protocol only: what that can carry works as on any other, and what it cannot is named.</summary>
internal sealed class OriginalBusTests : HostTest
{
    [On(ProtocolVersion.V1)]
    public async Task Connecting_tells_that_it_is_one()
    {
        var bus = await Client.ConnectAsync(Token);
        Assert.That((bus.IsOriginal, bus.LogId, bus.Position), Is.EqualTo((true, "", 0)));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Explicit_values_are_accepted_in_order_and_conflicts_told()
    {
        var first = await Client.PublishAsync(new Deposited(1m), Sequence.At("k", 0), cancellationToken: Token);
        var conflict = await Client.TryPublishAsync(new Deposited(2m), Sequence.At("k", 0), cancellationToken: Token);
        Assert.That((first.Status, first.Key, first.Value), Is.EqualTo((ReceiptStatus.Success, "k", 0u)));
        Assert.That((conflict.Status, conflict.IsSuccess), Is.EqualTo((ReceiptStatus.Inconsistent, false)));
        await ThrownByAsync<SequenceConflictException>(() => Client.PublishAsync(new Deposited(2m), Sequence.At("k", 5), cancellationToken: Token));
        Assert.That(await EventsAsync(), Is.EqualTo(new[] { ("k", 0u, (object)new Deposited(1m)) }));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Receipts_of_equal_and_different_data_find_their_publishes()
    {
        var receipts = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Client.TryPublishAsync(new Deposited(i % 7), Sequence.At($"k{i % 10}", (uint)(i % 3 == 0 ? 9_999 : i / 10)), cancellationToken: Token)));
        Assert.That(receipts.Where((r, i) => i % 3 == 0).Select(r => r.Status).Distinct(), Is.EqualTo(new[] { ReceiptStatus.Inconsistent }));
        Assert.That(receipts.Select(r => r.Key), Is.EqualTo(Enumerable.Range(0, 300).Select(i => $"k{i % 10}")));
        var stored = await EventsAsync();
        Assert.That(stored, Has.Length.EqualTo(receipts.Count(r => r.IsSuccess)));
    }

    [On(ProtocolVersion.V1)]
    public async Task A_publish_cut_off_before_its_receipt_ends_as_unknown_and_is_not_sent_again()
    {
        Bus.LoseAnswerToNext<NewMessage>();
        var fault = await ThrownByAsync<OutcomeUnknownException>(() => Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token));
        Assert.That(fault.IsRepeatable, Is.False);
        Assert.That(fault.Message, Does.Contain("read the key"));
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        Assert.That(Bus.CountReceived<NewMessage>(), Is.EqualTo(2));
        Assert.That((await EventsAsync()).Select(e => e.Data), Is.EqualTo(new[] { new Deposited(1m), new Deposited(2m) }));
    }

    [On(ProtocolVersion.V1)]
    public async Task Without_a_receipt_in_time_the_outcome_is_unknown_and_not_repeatable()
    {
        var client = NewClient(o => o.PublishTimeout = TimeSpan.FromSeconds(1));
        Bus.SwallowNext<NewMessage>();
        Assert.That((await ThrownByAsync<OutcomeUnknownException>(() => client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token))).IsRepeatable, Is.False);
        await client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_unit_over_one_key_is_retried_with_explicit_values()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var client = NewClient();
            for (var i = 0; i < 5; i++)
            {
                await client.UpdateAsync(
                    async (unit, ct) =>
                    {
                        var account = await unit.ReadAsync<Account>("acc", ct);
                        unit.Append("acc", new Deposited(account.Balance + 1));
                    },
                    cancellationToken: Token);
            }
        }));

        // Each adds all there was, and one: 1, 2, 4, 8, …
        Assert.That((await Client.ReadAsync<Account>("acc", Token)).State.Balance, Is.EqualTo((1 << 20) - 1));
        Assert.That((await EventsAsync()).Select(e => e.Value), Is.EqualTo(Enumerable.Range(0, 20)));
    }

    [On(ProtocolVersion.V1)]
    public async Task A_fold_over_types_this_program_does_not_know_is_refused_with_the_remedy()
    {
        await using var other = Bus.CreateClient();
        await other.PublishAsync(new ShapeTests.Unheard(1), "k", cancellationToken: Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        var fault = await ThrownByAsync<RequestFailedException>(() => Client.ReadAsync<Count>("k", Token));
        Assert.That(fault.Message, Does.Contain("after value none has value 1").And.Contain("options.Events"));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Queries_select_by_type_key_and_time_also_many_at_once()
    {
        for (var i = 0; i < 6; i++)
            await Client.PublishAsync(i % 2 == 0 ? new Deposited(i) : new Withdrawn(i), $"k{i % 3}", new PublishOptions { CorrelationId = (uint)i }, Token);
        async Task<decimal[]> AmountsAsync(EventQuery query) => [.. (await Client.QueryAsync(query, Token).ToListAsync(Token)).Select(e => e.Data is Deposited d ? d.Amount : ((Withdrawn)e.Data).Amount)];
        var answers = await Task.WhenAll(
            AmountsAsync(new EventQuery { Types = ["Deposited"] }),
            AmountsAsync(new EventQuery { Keys = ["k1"] }),
            AmountsAsync(new EventQuery { Types = ["Withdrawn"], Descending = true, Limit = 2 }),
            AmountsAsync(new EventQuery { CorrelationId = 4 }),
            AmountsAsync(new EventQuery { Since = DateTimeOffset.UtcNow.AddMinutes(1) }),
            AmountsAsync(new EventQuery { Since = DateTimeOffset.UtcNow.AddMinutes(-1), Types = ["Deposited", "Withdrawn"], Keys = ["k0", "k2"] }));
        Assert.That(answers, Is.EqualTo(new decimal[][] { [0, 2, 4], [1, 4], [5, 3], [4], [], [0, 2, 3, 5] }));
    }

    [On(ProtocolVersion.V1)]
    public async Task A_query_whose_connection_is_lost_is_asked_again_and_one_that_was_left_is_not_answered_to_another()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        Bus.LoseNext<QueryMessage>();
        Assert.That(await EventsAsync(), Has.Length.EqualTo(1));

        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Bus.BeforeNext<QueryMessage>(() => leave.CancelAsync());
        await ThrownByAsync<OperationCanceledException>(() => Client.QueryAsync(new EventQuery { Types = ["Withdrawn"] }, leave.Token).ToListAsync(leave.Token).AsTask());
        Assert.That(await EventsAsync(), Has.Length.EqualTo(1), "not the answer to the one that was left");
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_handler_without_appends_handles_each_event_once_in_order_and_acks_it()
    {
        var seen = new ConcurrentQueue<(string Key, uint Value)>();
        await StartAsync((context, _) =>
        {
            seen.Enqueue((context.Key, context.Value));
            return Task.CompletedTask;
        });
        for (var i = 0; i < 30; i++)
            await Client.PublishAsync(new Deposited(i), $"k{i % 3}", cancellationToken: Token);
        await UntilAsync(() => seen.Count == 30, "all are handled");
        Assert.That(seen.GroupBy(s => s.Key).Select(g => g.Select(s => s.Value)), Is.All.EqualTo(Enumerable.Range(0, 10)));
        await UntilAsync(() => CountAcks() == 30, "all are acked");

        Bus.CutAll();
        await NewClient().PublishAsync(new Deposited(30), "k0", cancellationToken: Token);
        await UntilAsync(() => seen.Contains(("k0", 10u)), "it goes on in the next session");
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_failed_event_comes_again_before_the_later_ones_of_its_key()
    {
        var seen = new ConcurrentQueue<string>();
        await StartAsync((context, _) =>
        {
            seen.Enqueue($"{context.Key}/{context.Value} {context.Attempt}");
            return context is { Key: "a", Value: 0, Attempt: < 3 } ? throw new InvalidOperationException() : Task.CompletedTask;
        });
        await Client.PublishAllAsync([new(new Deposited(1), "a"), new(new Deposited(2), "a"), new(new Deposited(3), "b")], Token);
        await UntilAsync(() => seen.Count == 5, "all are handled");
        Assert.That(seen.Where(s => s[0] == 'a'), Is.EqualTo(new[] { "a/0 1", "a/0 2", "a/0 3", "a/1 1" }));
        Assert.That(seen, Does.Contain("b/0 1"));
    }

    [On(ProtocolVersion.V1)]
    public async Task Deliveries_taken_by_hand_can_be_acked_nacked_and_extended_but_not_given_up()
    {
        var deliveries = Client.SubscribeAsync(new SubscriptionOptions("by-hand") { Types = ["Deposited"] }, Token).GetAsyncEnumerator(Token);
        var next = deliveries.MoveNextAsync();
        await UntilAsync(() => Bus.CountReceived<RegisterMessage>() == 1, "it is registered");
        await Client.PublishAsync(new Deposited(1m), "k", new PublishOptions { CorrelationId = 7 }, Token);
        Assert.That(await next, Is.True);
        var first = deliveries.Current;
        Assert.That((first.Event.Data, first.Event.CorrelationId, first.Event.Position, first.Event.EventId, first.Attempt, first.Redelivered), Is.EqualTo(((object)new Deposited(1m), 7u, 0L, (Guid?)null, 1, true)));
        Assert.That(first.Event.Time, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(1)));
        Assert.That((await ThrownByAsync<RequestFailedException>(() => first.DeadLetterAsync("no").AsTask())).Message, Does.StartWith("A dead letter needs a bus that speaks sequent.v2"));
        await first.ExtendAsync(TimeSpan.FromSeconds(1));
        await first.NackAsync(new NackOptions { Delay = TimeSpan.FromMilliseconds(10) });
        Assert.That(await deliveries.MoveNextAsync(), Is.True);
        Assert.That((deliveries.Current.Attempt, first.Revoked.IsCancellationRequested), Is.EqualTo((2, true)));
        await deliveries.Current.AckAsync();
        await UntilAsync(() => CountAcks() == 1, "the ack reaches the bus");
        await deliveries.DisposeAsync();
    }

    [On(ProtocolVersion.V1)]
    public async Task What_the_original_protocol_cannot_carry_fails_and_is_named()
    {
        async Task<string> RefusalAsync(Func<Task> action)
        {
            var fault = await ThrownByAsync<RequestFailedException>(action);
            Assert.That((fault.Code, fault.Message), Is.EqualTo((RequestFailedException.NotSupported, fault.Message)));
            return fault.Message.Split(" needs a bus")[0];
        }

        Assert.That(
            new[]
            {
                await RefusalAsync(() => Client.PublishAtomicAsync([new(new Deposited(1m), "a"), new(new Deposited(1m), "b")], cancellationToken: Token)),
                await RefusalAsync(() => Client.PublishAsync(new Deposited(1m), "k", new PublishOptions { EventId = Guid.NewGuid() }, Token)),
                await RefusalAsync(() => Client.UpdateAsync((unit, _) => AppendAsync(unit, "a", "b"), cancellationToken: Token)),
                await RefusalAsync(() => Client.UpdateAsync((unit, _) => AppendAsync(unit, "a"), new UpdateOptions { DecisionId = Guid.NewGuid() }, Token)),
                await RefusalAsync(() => Client.UpdateAsync(async (unit, ct) => _ = (await unit.ReadAsync<Count>("a", ct), await unit.ReadAsync<Count>("b", ct)), cancellationToken: Token)),
                await RefusalAsync(() => Client.FollowAsync(new EventQuery(), Token).ToListAsync(Token).AsTask()),
                await RefusalAsync(() => Client.QueryAsync(new EventQuery { After = 3 }, Token).ToListAsync(Token).AsTask()),
                await RefusalAsync(() => Client.SubscribeAsync(new SubscriptionOptions("x") { Start = Start.Earliest }, Token).FirstAsync(Token).AsTask()),
                await RefusalAsync(() => Client.SubscribeAsync(new SubscriptionOptions("x") { Start = Start.After("log", 1) }, Token).FirstAsync(Token).AsTask()),
            },
            Is.EqualTo(new[]
            {
                "An atomic batch, or a unit that reads or appends more than one event's key,",
                "A given event id or decision id, and with it Append in a handler,",
                "An atomic batch, or a unit that reads or appends more than one event's key,",
                "Looking events up by their ids",
                "A snapshot of several keys, as of a unit that reads more than one,",
                "Following the log, as projections do,",
                "Reading by positions",
                "Start.Earliest",
                "Start.After",
            }));
        Assert.That(await EventsAsync(), Is.Empty, "nothing of it was stored");
    }

    [On(ProtocolVersion.V1)]
    public async Task A_handler_that_appends_fails_and_stores_nothing()
    {
        var attempts = 0;
        await StartAsync((context, _) =>
        {
            Interlocked.Increment(ref attempts);
            context.Append("b", new Renamed("n"));
            return Task.CompletedTask;
        });
        await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        await UntilAsync(() => attempts == 2, "it was tried again");
        Assert.That((await EventsAsync()).Select(e => e.Key), Is.EqualTo(new[] { "a" }));
        Assert.That(CountAcks(), Is.Zero);
    }

    private static Task AppendAsync(IUnit unit, params string[] keys)
    {
        foreach (var key in keys)
            unit.Append(key, new Deposited(1m));
        return Task.CompletedTask;
    }

    private int CountAcks() => Bus.CountReceived<EventAckMessage>() + Bus.Received.OfType<AckMessage>().Sum(a => a.Deliveries!.Count);

    private async Task StartAsync(HandlerTests.Handle handle)
    {
        await StartHostAsync(
            b =>
            {
                b.Services.AddSingleton(handle);
                b.AddHandler<HandlerTests.DepositedHandler, Deposited>().AddEvent<Renamed>();
            },
            o => o.Start = Start.Latest);
        await UntilAsync(() => Bus.CountReceived<RegisterMessage>() == 1, "it is registered");

        // The registration is answered before whatever is sent after it is decided.
        await Client.PublishAsync(new Withdrawn(1m), "ready", cancellationToken: Token);
    }

    private async Task<(string Key, uint Value, object Data)[]> EventsAsync() =>
        [.. (await Client.QueryAsync(new EventQuery { Types = ["Deposited", "renamed.v2"] }, Token).ToListAsync(Token)).Select(e => (e.Key, e.Value, e.Data))];
}
