using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Client.Connecting;
using Sequent.Client.Reading;
using Sequent.Client.Tests.Support;
using Sequent.Client.Units;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What a function may do with its unit, and until when.</summary>
internal sealed class UnitUseTests : BusTest
{
    [Test]
    public async Task A_unit_has_ended_with_its_function_though_what_it_read_is_still_being_confirmed([Values] bool refuses)
    {
        IUnit? used = null;
        Exception? late = null;
        Bus.BeforeNext<SequenceMessage>(async () => late = await ThrownByAsync<InvalidOperationException>(() =>
        {
            used!.Append("a", new Deposited(1m));
            return Task.CompletedTask;
        }));

        var updating = Client.UpdateAsync(
            async (unit, ct) =>
            {
                used = unit;
                await unit.ReadAsync<Count>("a", ct);
                await unit.ReadAsync<Count>("b", ct);
                if (refuses)
                    throw new NotSupportedException();
            },
            cancellationToken: Token);

        await Assert.ThatAsync(() => updating, refuses ? Throws.TypeOf<NotSupportedException>() : Throws.Nothing);
        Assert.That(late?.Message, Does.Contain("await what that function starts"));
    }

    [Test]
    public async Task A_unit_that_has_ended_neither_tells_what_it_read_nor_asks_for_more()
    {
        IUnit? used = null;
        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                used = unit;
                await unit.ReadAsync<Count>("k", ct);
            },
            cancellationToken: Token);

        await Assert.ThatAsync(() => used!.ReadAsync<Count>("k", Token).AsTask(), Throws.InvalidOperationException);
        await Assert.ThatAsync(() => used!.ReadAsync<Count>("other", Token).AsTask(), Throws.InvalidOperationException);
        Assert.That(Bus.CountReceived<QueryMessage>(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_read_that_comes_through_after_its_unit_has_ended_fails()
    {
        Task<Count>? left = null;
        var end = new TaskCompletionSource();
        Bus.BeforeNext<QueryMessage>(() => end.Task);
        await Client.UpdateAsync(
            (unit, ct) =>
            {
                left = unit.ReadAsync<Count>("k", ct).AsTask();
                return Task.CompletedTask;
            },
            cancellationToken: Token);

        end.SetResult();

        await Assert.ThatAsync(() => left!, Throws.InvalidOperationException);
    }

    [Test]
    public async Task A_unit_that_was_cancelled_ends_so_even_if_its_function_does_not_notice()
    {
        using var cancel = new CancellationTokenSource();

        await Assert.ThatAsync(
            () => Client.UpdateAsync(async (_, _) => await cancel.CancelAsync(), cancellationToken: cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task A_state_that_is_read_again_in_a_run_is_not_asked_for_again()
    {
        await Client.UpdateAsync(async (unit, ct) => _ = (await unit.ReadAsync<Count>("k", ct), await unit.ReadAsync<Count>("k", ct)), cancellationToken: Token);

        Assert.That(Bus.CountReceived<QueryMessage>(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_unit_that_only_reads_finds_no_earlier_decision()
    {
        var result = await Client.UpdateAsync(async (unit, ct) => await unit.ReadAsync<Count>("k", ct), cancellationToken: Token);

        Assert.That((result.EarlierDecisionStood, result.Receipts.Count, result.Data.Count), Is.EqualTo((false, 0, 0)));
    }

    [TestCase(uint.MaxValue - 1, uint.MaxValue)]
    [TestCase(uint.MaxValue, null, Description = "The bus answers that the key is exhausted.")]
    public async Task A_unit_uses_the_values_of_a_key_up_to_the_very_last(uint last, uint? next)
    {
        await Client.PublishAsync(new Deposited(1m), "other", cancellationToken: Token);
        var cache = new FoldCache(1);
        cache.Keep((await Client.ConnectAsync(Token)).LogId, "k", typeof(Count), new Fold(Count.Initial, last, 1));
        var connections = Use(new Connections(new ConnectionSettings(Bus.Address, TimeSpan.FromSeconds(1), () => [], TimeProvider.System, NullLoggerFactory.Instance)));
        var folds = new FoldReader(new LogReader(connections.Open(), Client.Telemetry, TimeProvider.System), Client.Mapper, cache);
        var work = new UnitWork((_, _) => Task.CompletedTask, _ => Guid.NewGuid(), DecisionLookup.AtCommit, 1);
        using var held = new HeldKeys(new KeyQueues(), mayWait: true);
        using var unit = new Unit(folds, Client.Mapper, work, held, Token, Token);

        await unit.ReadAsync<Count>("k", Token);
        unit.Append("k", new Deposited(1m));

        Assert.That(unit.ToMessage().Events.Single().Value, Is.EqualTo(next));
    }
}
