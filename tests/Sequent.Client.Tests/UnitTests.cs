using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class UnitTests : BusTest
{
    [Test]
    public async Task What_a_unit_reads_and_appends_is_one_atomic_batch()
    {
        await Client.PublishAsync(new Deposited(50m), "from", cancellationToken: Token);

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                var from = await unit.ReadAsync<Account>("from", ct);
                unit.Append("from", new Withdrawn(from.Balance));
                unit.Append("to", new Deposited(from.Balance));
                unit.Append("from", new Renamed("closed"));
            },
            cancellationToken: Token);

        var batch = Bus.Received.OfType<NewMessage>().Last();
        Assert.That(batch.Atomic, Is.True);
        Assert.That(batch.Events.Select(e => (e.Key, e.Value)), Is.EqualTo(new (string, uint?)[] { ("from", 1), ("to", null), ("from", 2) }));
        Assert.That(batch.Expect, Is.Null);
        Assert.That((result.Attempts, result.EarlierDecisionStood), Is.EqualTo((1, false)));
        Assert.That(result.Receipts.Select(r => (r.Key, r.Value, r.Position)), Is.EqualTo(new (string, uint?, long?)[] { ("from", 1, 2), ("to", 0, 3), ("from", 2, 4) }));
    }

    [Test]
    public async Task Keys_that_are_only_read_are_expected_to_stand()
    {
        await Client.PublishAsync(new Deposited(50m), "read", cancellationToken: Token);

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("read", ct);
                await unit.ReadAsync<Account>("empty", ct);
                unit.Append("other", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That(Bus.Received.OfType<NewMessage>().Last().Expect, Is.EquivalentTo(new Dictionary<string, uint?> { ["read"] = 0, ["empty"] = null }));
    }

    [Test]
    public async Task A_unit_that_read_one_key_needs_no_confirmation()
    {
        await Client.UpdateAsync(async (unit, ct) => await unit.ReadAsync<Count>("a", ct), cancellationToken: Token);

        Assert.That((Bus.CountReceived<SequenceMessage>(), Bus.CountReceived<NewMessage>()), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task What_the_function_throws_comes_out_unchanged_and_nothing_is_appended()
    {
        var refusal = new InvalidOperationException("not enough");

        var thrown = await ThrownByAsync<InvalidOperationException>(() => Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("a", ct);
                await unit.ReadAsync<Account>("b", ct);
                unit.Append("a", new Deposited(1m));
                throw refusal;
            },
            cancellationToken: Token));

        Assert.That(thrown, Is.SameAs(refusal));
        Assert.That((Bus.CountReceived<SequenceMessage>(), Bus.CountReceived<NewMessage>()), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task A_batch_whose_receipt_is_lost_is_stored_once_and_reported_as_success()
    {
        Bus.LoseAnswerToNext<NewMessage>();

        var result = await IncrementAsync(Client, "k");

        Assert.That(result.Receipts.Single().Status, Is.EqualTo(ReceiptStatus.Success));
        Assert.That((result.EarlierDecisionStood, result.Attempts), Is.EqualTo((false, 1)));
        Assert.That(await EventsOfAsync("k"), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_decision_id_makes_a_repeated_request_take_effect_once()
    {
        var options = new UpdateOptions { DecisionId = Guid.NewGuid() };
        var first = await IncrementAsync(Client, "k", options);

        var second = await IncrementAsync(NewClient(), "k", options);

        Assert.That((first.EarlierDecisionStood, second.EarlierDecisionStood, second.Attempts), Is.EqualTo((false, true, 0)));
        Assert.That(second.Receipts.Single(), Is.EqualTo(first.Receipts.Single() with { Status = ReceiptStatus.Duplicate }));
    }

    [TestCase(256)]
    [TestCase(257)]
    [TestCase(600)]
    public async Task An_earlier_decision_shows_all_its_events_however_many(int count)
    {
        var options = new UpdateOptions { DecisionId = Guid.CreateVersion7() };
        Task<UpdateResult> DecideAsync(int events) => Client.UpdateAsync(
            (unit, _) =>
            {
                for (var i = 0; i < events; i++)
                    unit.Append("k", new Deposited(i));
                return Task.CompletedTask;
            },
            options,
            Token);

        await DecideAsync(count);
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var second = await DecideAsync(1);

        Assert.That(second.Data.Select(d => ((Deposited)d).Amount), Is.EqualTo(Enumerable.Range(0, count).Select(i => (decimal)i)));
    }

    [Test]
    public async Task An_earlier_decision_shows_all_its_events_whatever_the_function_would_decide_now()
    {
        var options = new UpdateOptions { DecisionId = Guid.CreateVersion7() };
        Task<UpdateResult> DecideAsync(params decimal[] amounts) => Client.UpdateAsync(
            (unit, _) =>
            {
                foreach (var amount in amounts)
                    unit.Append($"k{amount}", new Deposited(amount));
                return Task.CompletedTask;
            },
            options,
            Token);

        var first = await DecideAsync(1m, 2m, 3m);
        await Client.PublishAsync(new Deposited(9m), "k1", cancellationToken: Token);
        var second = await DecideAsync(7m);

        Assert.That(second.EarlierDecisionStood, Is.True);
        Assert.That(second.Receipts.Select(r => (r.Key, r.Position, r.EventId)), Is.EqualTo(first.Receipts.Select(r => (r.Key, r.Position, r.EventId))));
        Assert.That(second.Data, Is.EqualTo(new[] { new Deposited(1m), new Deposited(2m), new Deposited(3m) }).And.EqualTo(first.Data));
    }

    [Test]
    public async Task A_batch_that_was_lost_before_another_decided_under_the_same_id_is_not_reported_as_ones_own()
    {
        var options = new UpdateOptions { DecisionId = Guid.CreateVersion7() };
        var other = NewClient();
        Bus.LoseNext<NewMessage>(); // whoever is first has to send again
        var mine = Client.UpdateAsync(
            (unit, _) =>
            {
                unit.Append("k", new Deposited(1m));
                return Task.CompletedTask;
            },
            options,
            Token);
        var theirs = other.UpdateAsync(
            (unit, _) =>
            {
                unit.Append("k", new Deposited(2m));
                unit.Append("l", new Deposited(2m));
                return Task.CompletedTask;
            },
            options,
            Token);

        UpdateResult[] results = [await mine, await theirs];

        var stored = (await EventsOfAsync("k", "l")).Select(e => e.Data).ToArray();
        Assert.That(results.Count(r => !r.EarlierDecisionStood), Is.EqualTo(1), "one of the two decided");
        Assert.That(results.Select(r => r.Data), Is.All.EqualTo(stored), "and both are told what is stored");
    }

    [Test]
    public async Task A_decision_that_was_stored_meanwhile_stands_even_if_the_function_now_throws()
    {
        var options = new UpdateOptions { DecisionId = Guid.NewGuid() };

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await IncrementAsync(NewClient(), "k", options);
                throw new InvalidOperationException("done already");
            },
            options,
            Token);

        Assert.That((result.EarlierDecisionStood, result.Attempts, result.Receipts.Single().Key), Is.EqualTo((true, 1, "k")));
    }

    [Test]
    public async Task A_decision_that_was_stored_meanwhile_stands_at_commit()
    {
        var options = new UpdateOptions { DecisionId = Guid.NewGuid() };

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await NewClient().PublishAsync(new Renamed("first"), "elsewhere", new PublishOptions { EventId = options.DecisionId }, ct);
                unit.Append("a", new Deposited(1m));
                unit.Append("b", new Deposited(1m));
            },
            options,
            Token);

        Assert.That((result.EarlierDecisionStood, result.Receipts.Single().Key), Is.EqualTo((true, "elsewhere")));
        Assert.That(await EventsOfAsync("a", "b"), Is.Empty);
    }

    [Test]
    public async Task A_key_read_twice_in_a_run_has_the_same_events()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        var runs = 0;

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                var first = await unit.ReadAsync<Account>("k", ct);
                unit.Append("k", new Deposited(100m));
                if (runs++ == 0)
                    await Client.PublishAsync(new Deposited(7m), "k", cancellationToken: ct);
                var again = await unit.ReadAsync<Account>("k", ct);
                var count = await unit.ReadAsync<Count>("k", ct);
                Assert.That((again, count.Events), Is.EqualTo((first, runs)));
            },
            cancellationToken: Token);

        Assert.That(runs, Is.EqualTo(2));
    }

    [Test]
    public async Task A_unit_cannot_be_used_after_its_end()
    {
        IUnit? leaked = null;
        await Client.UpdateAsync(
            (unit, _) =>
            {
                leaked = unit;
                return Task.CompletedTask;
            },
            cancellationToken: Token);

        Assert.That(() => leaked!.Append("k", new Deposited(1m)), Throws.InvalidOperationException);
        Assert.That(async () => await leaked!.ReadAsync<Account>("k"), Throws.InvalidOperationException);
    }

    [Test]
    public async Task An_event_that_is_never_acceptable_is_thrown()
    {
        var id = Guid.NewGuid();
        await Client.PublishAsync(new Deposited(1m), "k", new PublishOptions { EventId = id }, Token);

        // The second id of a batch can only be taken by a caller who publishes under it; the bus names the culprit.
        var ids = new Queue<Guid>([Guid.NewGuid(), id]);
        var work = new Units.UnitWork(
            (unit, _) =>
            {
                unit.Append("a", new Deposited(1m));
                unit.Append("b", new Deposited(1m));
                return Task.CompletedTask;
            },
            _ => ids.Dequeue(),
            Units.DecisionLookup.AtCommit,
            1);
        var thrown = await ThrownByAsync<PublishRejectedException>(() => Client.Units.RunAsync(work, Token));

        Assert.That((thrown.Reason, thrown.Key), Is.EqualTo((RejectReasons.EventIdConflict, "b")));
    }

    [Test]
    public async Task A_cancelled_unit_ends_with_a_cancellation()
    {
        using var cancel = new CancellationTokenSource();

        var running = Client.UpdateAsync(
            async (unit, ct) =>
            {
                await cancel.CancelAsync();
                await unit.ReadAsync<Account>("k", ct);
            },
            cancellationToken: cancel.Token);

        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
    }

    private Task<UpdateResult> IncrementAsync(SequentClient client, string key, UpdateOptions? options = null) => client.UpdateAsync(
        async (unit, ct) =>
        {
            await unit.ReadAsync<Account>(key, ct);
            unit.Append(key, new Deposited(1m));
        },
        options,
        Token);
}
