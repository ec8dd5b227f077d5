using System.Diagnostics;
using System.Net.WebSockets;
using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing.Tests;

public class ConnectionFaultTests : BusTest
{
    [Test]
    public async Task Dropped_connections_come_back_by_themselves()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        using var raw = await RawClient.ConnectAsync(bus.Address, Token);
        await using var follow = client.FollowAsync(new EventQuery(), Token).GetAsyncEnumerator(Token);
        await CatchUpAsync(follow);

        bus.Faults.DropConnections();

        await CatchUpAsync(follow);
        await Assert.ThatAsync(() => raw.ReceiveAsync(Token), Throws.TypeOf<WebSocketException>());
    }

    [Test]
    public async Task Connections_are_dropped_every_so_often_until_told_otherwise()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await using var follow = client.FollowAsync(new EventQuery(), Token).GetAsyncEnumerator(Token);

        bus.Faults.DropConnectionsEvery(TimeSpan.FromMilliseconds(20));
        for (var i = 0; i < 4; i++)
            await CatchUpAsync(follow);

        bus.Faults.DropConnectionsEvery(null);
        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m) }));
    }

    [Test]
    public async Task Connections_may_be_dropped_while_they_end_by_themselves()
    {
        await using var bus = await StartBusAsync();
        bus.Faults.DropConnectionsEvery(TimeSpan.FromMilliseconds(1));

        for (var i = 0; i < 50; i++)
        {
            try
            {
                using var raw = await RawClient.ConnectAsync(bus.Address, Token);
            }
            catch (WebSocketException)
            {
                // Dropped before it was used.
            }
        }

        Assert.That(bus.IsRunning);
    }

    [Test]
    public async Task A_connection_that_was_dropped_is_not_counted_again()
    {
        await using var bus = await StartBusAsync();
        using var raw = await RawClient.ConnectAsync(bus.Address, Token);

        bus.Faults.DropConnections();
        bus.Faults.DropConnections();

        Assert.That(bus.Faults.DroppedConnections, Is.EqualTo(1));
    }

    [Test]
    public async Task Each_receipt_that_is_lost_is_counted_and_no_more_are_than_were_asked_for()
    {
        await using var bus = await StartBusAsync();
        var clients = Enumerable.Range(0, 8).Select(_ => bus.CreateClient()).ToArray();
        bus.Faults.LoseReceipts(5);

        await Task.WhenAll(clients.SelectMany((c, i) => Enumerable.Range(0, 5).Select(_ => c.PublishAsync(new Deposited(1m), $"acc-{i}", cancellationToken: Token))));

        Assert.That(bus.Faults.LostReceipts, Is.EqualTo(5));
    }

    [TestCase(0.0)]
    [TestCase(3_600_001.0)]
    public async Task Connections_cannot_be_dropped_at_an_interval_that_makes_no_sense(double ms)
    {
        await using var bus = await StartBusAsync();

        Assert.That(() => bus.Faults.DropConnectionsEvery(TimeSpan.FromMilliseconds(ms)), Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("interval"));
    }

    [Test]
    public async Task Instead_of_a_lost_receipt_the_connection_ends_and_the_event_is_stored()
    {
        await using var bus = await StartBusAsync();
        bus.Faults.LoseReceipts();

        using var unlucky = await RawClient.ConnectAsync(bus.Address, Token);
        await unlucky.PublishAsync("acc-7", Token);
        await Assert.ThatAsync(() => unlucky.ReceiveAsync(Token), Throws.TypeOf<WebSocketException>());
        Assert.That(await bus.EventsAsync(), Has.Count.EqualTo(1));

        using var lucky = await RawClient.ConnectAsync(bus.Address, Token);
        await lucky.PublishAsync("acc-7", Token);
        Assert.That(await lucky.ReceiveAsync(Token), Does.Contain("\"status\":\"success\""));
    }

    [Test]
    public async Task A_publish_whose_receipt_is_lost_is_a_success_and_once_in_the_log()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        bus.Faults.LoseReceipts(2);

        var receipt = await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        Assert.That((receipt.Status, receipt.Value, receipt.Position), Is.EqualTo((ReceiptStatus.Success, 0u, 1L)));
        Assert.That(await bus.EventsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_the_test_publishes_itself_uses_up_no_fault_of_the_wire()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        bus.Faults.RejectNext("acc-7");

        await bus.PublishAsync(new Deposited(1m), "acc-7");

        var receipt = await client.TryPublishAsync(new Deposited(2m), "acc-7", cancellationToken: Token);
        Assert.That(receipt.IsSuccess, Is.False);
    }

    [Test]
    public async Task Delayed_receipts_are_late()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await client.ConnectAsync(Token);
        bus.Faults.DelayReceipts(TimeSpan.FromMilliseconds(100));
        var started = Stopwatch.GetTimestamp();

        await client.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        Assert.That(Stopwatch.GetElapsedTime(started), Is.GreaterThan(TimeSpan.FromMilliseconds(90)));
    }

    [Test]
    public async Task Delayed_receipts_come_in_order_and_at_once_when_the_delay_ends()
    {
        await using var bus = await StartBusAsync();
        using var raw = await RawClient.ConnectAsync(bus.Address, Token);
        bus.Faults.DelayReceipts(TimeSpan.FromMinutes(1));
        await raw.PublishAsync("acc-7", Token);
        await raw.PublishAsync("acc-8", Token);
        await UntilAsync(async () => (await bus.EventsAsync()).Count == 2, "both are stored");
        var first = raw.ReceiveAsync(Token);
        Assert.That(first.IsCompleted, Is.False);

        bus.Faults.DelayReceipts(TimeSpan.Zero);

        Assert.That(await first, Does.Contain("acc-7"));
        Assert.That(await raw.ReceiveAsync(Token), Does.Contain("acc-8"));
    }

    [Test]
    public async Task A_unit_that_meets_a_conflict_runs_twice_and_succeeds()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await bus.PublishAsync(new Deposited(5m), "acc-7");
        bus.Faults.RejectNext("acc-7");

        var result = await client.UpdateAsync(async (unit, ct) => unit.Append("acc-7", new Withdrawn((await unit.ReadAsync<Account>("acc-7", ct)).Balance)), cancellationToken: Token);

        Assert.That(result.Attempts, Is.EqualTo(2));
        Assert.That(await bus.PublishedAsync<Withdrawn>(), Is.EqualTo(new[] { new Withdrawn(5m) }));
    }

    [Test]
    public async Task A_unit_that_only_read_the_key_meets_the_conflict_too()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await bus.PublishAsync(new Deposited(5m), "acc-7");
        bus.Faults.RejectNext("acc-7", times: 2);

        var result = await client.UpdateAsync(async (unit, ct) => unit.Append("acc-8", new Deposited((await unit.ReadAsync<Account>("acc-7", ct)).Balance)), cancellationToken: Token);

        Assert.That(result.Attempts, Is.EqualTo(3));
    }

    [Test]
    public async Task A_publish_that_meets_a_conflict_throws_and_other_keys_go_through()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient();
        await client.ConnectAsync(Token);
        bus.Faults.RejectNext("acc-7");

        Assert.That(await client.PublishAsync(new Deposited(1m), "acc-8", cancellationToken: Token), Has.Property("IsSuccess").True);
        var conflict = (await Assert.ThrowsAsync<SequenceConflictException>(() => client.PublishAsync(new Deposited(1m), Sequence.At("acc-7", 0), cancellationToken: Token)))!;
        Assert.That((conflict.Key, conflict.Expected), Is.EqualTo(("acc-7", 0u)));
        Assert.That(await client.PublishAsync(new Deposited(1m), Sequence.At("acc-7", 0), cancellationToken: Token), Has.Property("IsSuccess").True);
    }

    [Test]
    public async Task Messages_of_any_length_pass_while_a_conflict_is_waited_for()
    {
        await using var bus = await StartBusAsync();
        await using var client = bus.CreateClient(configure: o => o.Events.Add<WithdrawalRefused>());
        bus.Faults.RejectNext("acc-9");

        var receipts = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            client.PublishAsync(new WithdrawalRefused(new string('x', i * 5_000)), "acc-7", cancellationToken: Token)));

        Assert.That(receipts.Select(r => r.IsSuccess), Is.All.True);
        Assert.That((await bus.PublishedAsync<WithdrawalRefused>()).Select(e => e.Reason.Length).Order(), Is.EqualTo(Enumerable.Range(0, 20).Select(i => i * 5_000)));
    }

    [Test]
    public async Task Ending_all_faults_ends_also_those_that_did_not_happen_yet()
    {
        await using var bus = await StartBusAsync();
        using var raw = await RawClient.ConnectAsync(bus.Address, Token);
        bus.Faults.LoseReceipts();
        bus.Faults.RejectNext("acc-7");
        bus.Faults.DelayReceipts(TimeSpan.FromMinutes(1));
        bus.Faults.FailStore();

        bus.Faults.EndAll();

        await raw.PublishAsync("acc-7", Token);
        Assert.That(await raw.ReceiveAsync(Token), Does.Contain("\"status\":\"success\""));
    }

    /// <summary>A follow says that it caught up once per connection.</summary>
    private static async Task CatchUpAsync(IAsyncEnumerator<FollowItem> follow)
    {
        do
            Assert.That(await follow.MoveNextAsync());
        while (follow.Current is not CaughtUp);
    }
}
