using Microsoft.Extensions.Time.Testing;
using Sequent.Client.Tests.Support;
using Sequent.Client.Units;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>When a unit runs again, and when it does not.</summary>
internal sealed class UnitRepeatTests : BusTest
{
    private static readonly TimeSpan UnitTimeout = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Test]
    public async Task A_unit_has_its_whole_time_for_conflicts_however_long_its_first_run_took()
    {
        var client = NewClient(o => (o.UnitTimeout, o.TimeProvider) = (UnitTimeout, _time));
        var runs = 0;

        var updating = client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Count>("k", ct);
                if (++runs == 1)
                    _time.Advance(2 * UnitTimeout);
                if (runs < 3)
                    await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: ct);
                unit.Append("k", new Deposited(1m));
            },
            cancellationToken: Token);
        await AdvanceUntilAsync(() => updating.IsCompleted, TimeSpan.FromMilliseconds(1));

        Assert.That((await updating).Attempts, Is.EqualTo(3));
    }

    [Test]
    public async Task A_unit_whose_key_another_of_its_client_holds_after_a_conflict_gives_up_after_its_time()
    {
        var client = NewClient(o => (o.UnitTimeout, o.TimeProvider) = (UnitTimeout, _time));
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hasRival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var updating = client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Count>("k", ct);
                reading.TrySetResult();
                await hasRival.Task.WaitAsync(ct);
                await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: ct);
                unit.Append("k", new Deposited(1m));
            },
            cancellationToken: Token);
        await reading.Task.WaitAsync(Token);
        var rival = client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Count>("k", ct);
                await end.Task.WaitAsync(ct);
            },
            cancellationToken: Token);
        hasRival.SetResult();
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 2, "it has met its conflict");

        await AdvanceUntilAsync(() => updating.IsCompleted, TimeSpan.FromMilliseconds(100));

        var thrown = await ThrownByAsync<UnitTimeoutException>(() => updating);
        Assert.That((thrown.Attempts, thrown.Keys), Is.EqualTo((1, new[] { "k" })));
        Assert.That(thrown.Message, Does.Contain("other units of this client held the key all the time"));
        end.SetResult();
        await rival;
    }

    [Test]
    public async Task A_conflict_at_one_key_of_several_is_one()
    {
        var runs = 0;

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Count>("a", ct);
                if (++runs == 1)
                    await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: ct);
                unit.Append("a", new Deposited(1m));
                unit.Append("b", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That((result.Attempts, string.Join(' ', result.Receipts.Select(r => $"{r.Key}/{r.Value}"))), Is.EqualTo((2, "a/1 b/0")));
    }

    [Test]
    public async Task What_is_never_acceptable_is_not_tried_again_even_if_it_met_a_conflict_too()
    {
        Guid[] ids = [Guid.NewGuid(), Guid.NewGuid()];
        await Client.PublishAsync(new Deposited(1m), "k", new PublishOptions { EventId = ids[1] }, Token);
        var runs = 0;
        var work = new UnitWork(
            async (unit, ct) =>
            {
                runs++;
                await unit.ReadAsync<Count>("a", ct);
                await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: ct);
                unit.Append("a", new Deposited(1m));
                unit.Append("b", new Deposited(1m));
            },
            index => ids[index],
            DecisionLookup.AtCommit,
            1);

        var thrown = await ThrownByAsync<PublishRejectedException>(() => Client.Units.RunAsync(work, Token));

        Assert.That((thrown.Reason, thrown.Key, runs), Is.EqualTo((RejectReasons.EventIdConflict, "b", 1)));
    }

    [Test]
    public async Task A_unit_runs_again_after_every_conflict_though_it_reads_the_same_each_time()
    {
        for (var i = 0; i < 2; i++)
        {
            Bus.AnswerNext<NewMessage>(message => $$"""
                {"message_type":"receipt","request_id":"{{message.RequestId}}","receipts":[{"status":"inconsistent","key":"k","value":0,"expected":1}],
                "sender":"V4(127.0.0.1:1)","timestamp":"Tue, 24 Nov 2026 09:30:00 +0000"}
                """);
        }

        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Count>("k", ct);
                unit.Append("k", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That((result.Attempts, result.Receipts.Single().Value), Is.EqualTo((3, 0u)));
    }

    [Test]
    public async Task A_decision_over_two_logs_is_made_again_though_both_have_the_same_values()
    {
        await Client.PublishAsync(new Deposited(5m), "a", cancellationToken: Token);
        var seen = new List<decimal>();

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                seen.Add((await unit.ReadAsync<Account>("a", ct)).Balance);
                if (seen.Count == 1)
                {
                    await Bus.ReplaceLogAsync();
                    await Client.PublishAsync(new Deposited(7m), "a", cancellationToken: ct);
                }

                await unit.ReadAsync<Account>("b", ct);
                unit.Append("b", new Deposited(1m));
            },
            cancellationToken: Token);

        Assert.That(seen, Is.EqualTo([5m, 7m]));
    }

    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => UntilAsync(
        () =>
        {
            _time.Advance(step);
            return condition();
        },
        "the time has passed");
}
