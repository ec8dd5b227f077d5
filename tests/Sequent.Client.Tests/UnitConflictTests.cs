using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class UnitConflictTests : BusTest
{
    [Test]
    public async Task A_unit_whose_key_moved_on_runs_again_with_fresh_reads()
    {
        var seen = new List<decimal>();

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                seen.Add((await unit.ReadAsync<Account>("acc", ct)).Balance);
                if (seen.Count == 1)
                    await Client.PublishAsync(new Deposited(10m), "acc", cancellationToken: ct);
                unit.Append("acc", new Withdrawn(5m));
            },
            cancellationToken: Token);

        Assert.That(seen, Is.EqualTo([0m, 10m]));
        Assert.That((result.Attempts, result.Receipts.Single().Value), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task Two_units_that_each_read_what_the_other_writes_cannot_both_win_on_stale_reads()
    {
        var other = NewClient();
        var bothHaveRead = new Barrier();

        // Write skew: each may only append if the other's key is still empty.
        async Task<bool> WriteIfEmptyAsync(SequentClient client, string mine, string theirs)
        {
            var wrote = false;
            await client.UpdateAsync(
                async (unit, ct) =>
                {
                    var count = await unit.ReadAsync<Count>(theirs, ct);
                    await bothHaveRead.PassAsync(ct);
                    wrote = count.Events == 0;
                    if (wrote)
                        unit.Append(mine, new Deposited(1m));
                },
                cancellationToken: Token);
            return wrote;
        }

        var wrote = await Task.WhenAll(WriteIfEmptyAsync(Client, "a", "b"), WriteIfEmptyAsync(other, "b", "a"));

        Assert.That(wrote, Is.EquivalentTo([true, false]));
        Assert.That(await EventsOfAsync("a", "b"), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Of_two_units_that_both_read_both_keys_and_write_one_only_one_wins_on_the_same_snapshot([Values] bool ofOneClient)
    {
        var other = ofOneClient ? Client : NewClient();
        for (var round = 0; round < 20; round++)
        {
            string[] keys = [$"a{round}", $"b{round}"];

            // Units of one client queue for their keys, so they cannot both have read.
            var bothHaveRead = ofOneClient ? null : new Barrier();
            var wrote = await Task.WhenAll(WriteIfBothAreEmptyAsync(Client, keys, keys[0], bothHaveRead), WriteIfBothAreEmptyAsync(other, [keys[1], keys[0]], keys[1], bothHaveRead));

            Assert.That(wrote, Is.EquivalentTo([true, false]));
            Assert.That(await EventsOfAsync(keys), Has.Count.EqualTo(1));
        }
    }

    private async Task<bool> WriteIfBothAreEmptyAsync(SequentClient client, string[] keys, string mine, Barrier? bothHaveRead)
    {
        var wrote = false;
        await client.UpdateAsync(
            async (unit, ct) =>
            {
                wrote = true;
                foreach (var key in keys)
                    wrote &= (await unit.ReadAsync<Count>(key, ct)).Events == 0;
                if (bothHaveRead is not null)
                    await bothHaveRead.PassAsync(ct);
                if (wrote)
                    unit.Append(mine, new Deposited(1m));
            },
            cancellationToken: Token);
        return wrote;
    }

    [Test]
    public async Task A_unit_that_appends_nothing_is_confirmed_to_have_seen_one_moment()
    {
        var runs = 0;
        (int A, int B) seen = default;

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                var a = await unit.ReadAsync<Count>("a", ct);
                if (runs++ == 0)
                    await Client.UpdateAsync((both, _) => AppendBoth(both), cancellationToken: ct);
                seen = (a.Events, (await unit.ReadAsync<Count>("b", ct)).Events);
            },
            cancellationToken: Token);

        Assert.That((seen, runs, result.Attempts, result.Receipts), Is.EqualTo(((1, 1), 2, 2, Array.Empty<Receipt>())));

        static Task AppendBoth(IUnit both)
        {
            both.Append("a", new Deposited(1m));
            both.Append("b", new Deposited(1m));
            return Task.CompletedTask;
        }
    }

    [Test]
    public async Task A_refusal_that_rests_on_reads_of_two_moments_is_decided_again()
    {
        var runs = 0;

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                var a = await unit.ReadAsync<Count>("a", ct);
                if (runs++ == 0)
                    await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: ct);
                await unit.ReadAsync<Count>("b", ct);
                if (a.Events == 0)
                    throw new InvalidOperationException("a is empty");
            },
            cancellationToken: Token);

        Assert.That(runs, Is.EqualTo(2));
    }

    [Test]
    public async Task Units_of_one_client_at_one_key_queue_instead_of_meeting_at_the_bus()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => IncrementAsync(Client, "k")));

        Assert.That(results.Select(r => r.Attempts), Is.All.EqualTo(1));
        Assert.That((await Client.ReadAsync<Count>("k", Token)).State.Events, Is.EqualTo(100));
    }

    [Test]
    public async Task Units_of_many_clients_at_the_same_keys_all_get_through_exactly_once()
    {
        SequentClient[] clients = [Client, NewClient(), NewClient()];

        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => clients[i % 3].UpdateAsync(
            async (unit, ct) =>
            {
                // In either order, so that whoever waited while holding a key would wait for ever.
                string[] keys = i % 2 == 0 ? ["x", "y"] : ["y", "x"];
                foreach (var key in keys)
                {
                    await unit.ReadAsync<Account>(key, ct);
                    unit.Append(key, new Deposited(1m));
                }
            },
            cancellationToken: Token)));

        Assert.That((await Client.ReadAsync<Account>("x", Token)).State.Balance, Is.EqualTo(60m));
        Assert.That((await Client.ReadAsync<Account>("y", Token)).State.Balance, Is.EqualTo(60m));
    }

    [Test]
    public async Task A_hundred_units_of_four_clients_at_one_key_are_a_hundred_contiguous_decisions()
    {
        SequentClient[] clients = [Client, NewClient(), NewClient(), NewClient()];

        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(() => IncrementAsync(clients[i % 4], "k"))));

        Assert.That(results.Select(r => r.Receipts.Single().Value).Order(), Is.EqualTo(Enumerable.Range(0, 100).Select(i => (uint?)i)));
        Assert.That((await Client.ReadAsync<Account>("k", Token)).LastValue, Is.EqualTo(99));
        Assert.That(results.Average(r => r.Attempts), Is.LessThan(10), "four clients take turns, they do not storm");
        TestContext.Out.WriteLine($"{results.Average(r => r.Attempts):0.00} attempts on average, {results.Max(r => r.Attempts)} at most");
    }

    [Test]
    public async Task A_unit_inside_a_unit_at_the_same_key_does_not_wait_for_it()
    {
        var runs = 0;
        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("k", ct);
                if (runs++ == 0)
                    await IncrementAsync(Client, "k");
                unit.Append("k", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That((result.Attempts, result.Receipts.Single().Value), Is.EqualTo((2, 1)));
    }

    [Test]
    public async Task A_unit_that_is_never_first_gives_up_after_its_time()
    {
        var client = NewClient(o => o.UnitTimeout = TimeSpan.FromSeconds(2));

        var thrown = await ThrownByAsync<UnitTimeoutException>(() => client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("k", ct);
                await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: ct);
                unit.Append("k", new Withdrawn(1m));
            },
            cancellationToken: Token));

        Assert.That(thrown.Attempts, Is.GreaterThan(1));
        Assert.That(thrown.Keys, Is.EqualTo(["k"]));
    }

    [Test]
    public async Task A_unit_whose_turn_does_not_come_gives_up_after_its_time()
    {
        var client = NewClient(o => o.UnitTimeout = TimeSpan.FromSeconds(1));
        var gate = new TaskCompletionSource();
        var reading = new TaskCompletionSource();
        var first = client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("k", ct);
                reading.TrySetResult();
                await gate.Task.WaitAsync(ct);
            },
            cancellationToken: Token);
        await reading.Task;

        var thrown = await ThrownByAsync<UnitTimeoutException>(() => IncrementAsync(client, "k"));

        gate.SetResult();
        await first;
        Assert.That(thrown.Keys, Is.EqualTo(["k"]));
        Assert.That((await IncrementAsync(client, "k")).Attempts, Is.EqualTo(1), "the key is free again");
    }

    [Test]
    public async Task Time_without_the_bus_counts_against_no_unit()
    {
        var client = NewClient(o => o.UnitTimeout = TimeSpan.FromSeconds(1));
        await client.ConnectAsync(Token);
        Bus.IsDown = true;
        Bus.CutAll();
        await UntilAsync(() => client.State != ConnectionState.Connected, "the bus is away");
        var units = Enumerable.Range(0, 5).Select(_ => IncrementAsync(client, "k")).ToArray();
        await Task.WhenAny(Task.WhenAll(units), Task.Delay(TimeSpan.FromSeconds(3.5))); // longer than three attempts may take
        Bus.IsDown = false;

        Assert.That((await Task.WhenAll(units)).Select(r => r.Attempts), Is.All.EqualTo(1));
    }

    [Test]
    public async Task A_unit_runs_again_when_the_bus_has_another_log_than_it_read_from()
    {
        await Client.PublishAsync(new Deposited(5m), "a", cancellationToken: Token);
        var seen = new List<decimal>();

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                seen.Add((await unit.ReadAsync<Account>("a", ct)).Balance);
                if (seen.Count == 1)
                    await Bus.ReplaceLogAsync();
                await unit.ReadAsync<Account>("b", ct);
                unit.Append("b", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That(seen, Is.EqualTo([5m, 0m]));
    }

    [Test]
    public async Task A_batch_decided_on_one_log_is_not_sent_to_another()
    {
        var runs = 0;

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("a", ct);
                unit.Append("a", new Deposited(1m));
                if (runs++ == 0)
                    await Bus.ReplaceLogAsync();
            },
            cancellationToken: Token);

        Assert.That((runs, Bus.CountReceived<NewMessage>()), Is.EqualTo((2, 1)));
    }

    private Task<UpdateResult> IncrementAsync(SequentClient client, string key, UpdateOptions? options = null) => client.UpdateAsync(
        async (unit, ct) =>
        {
            await unit.ReadAsync<Account>(key, ct);
            unit.Append(key, new Deposited(1m));
        },
        options,
        Token);

    /// <summary>Lets two through together, once; later ones pass.</summary>
    private sealed class Barrier
    {
        private readonly TaskCompletionSource _both = new();
        private int _arrived;

        public Task PassAsync(CancellationToken cancellationToken)
        {
            if (Interlocked.Increment(ref _arrived) == 2)
                _both.TrySetResult();
            return _both.Task.WaitAsync(cancellationToken);
        }
    }
}
