using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What a handler waits for, and whose fault that is.</summary>
internal sealed partial class HandlerTests
{
    [Test]
    public async Task A_bus_that_is_away_while_a_handler_publishes_by_itself_is_no_failure_of_the_event()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var runs = 0;
        await StartAsync((_, _) => Interlocked.Increment(ref runs) == 1 ? throw new BusUnavailableException("away") : Task.CompletedTask);

        await UntilAckedAsync(1);

        Assert.That((runs, Bus.CountReceived<NackMessage>()), Is.EqualTo((2, 0)));
    }

    [Test]
    public async Task Whatever_a_handler_waits_for_at_the_bus_is_no_failure_of_the_event_however_long_it_takes()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var other = NewClient();
        await other.ConnectAsync(Token);
        var cuts = 0;
        var waits = new Func<CancellationToken, Task>[]
        {
            ct => other.ReadAsync<Count>("x", ct),
            async ct => await other.QueryAsync(new EventQuery(), ct).FirstAsync(ct),
            ct => other.PublishAllAsync([new EventToPublish(new Renamed("x"), "x")], ct),
            ct => other.UpdateAsync((unit, token) => unit.ReadAsync<Count>("x", token).AsTask(), cancellationToken: ct),
        };
        await StartAsync(
            async (_, ct) =>
            {
                if (cuts >= waits.Length)
                    return;
                var wait = waits[cuts++];
                Bus.IsDown = true;
                Bus.CutAll();
                try
                {
                    await UntilAsync(() => other.State != ConnectionState.Connected, "it is cut off");
                    await wait(ct);
                }
                finally
                {
                    Bus.IsDown = false;
                }
            },
            o => o.HandlerTimeout = TimeSpan.FromSeconds(1));

        await UntilAckedAsync(1);

        Assert.That((cuts, Bus.CountReceived<NackMessage>()), Is.EqualTo((waits.Length, 0)));
    }

    [Test]
    public async Task A_handler_whose_read_the_bus_does_not_answer_in_time_has_not_failed([Values] bool inUnitOfItsOwn)
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        Bus.SwallowNext<QueryMessage>();
        var runs = 0;
        await StartAsync(
            async (context, ct) =>
            {
                runs++;
                if (inUnitOfItsOwn)
                    await Client.UpdateAsync((unit, token) => unit.ReadAsync<Count>("x", token).AsTask(), cancellationToken: ct);
                else
                    await context.ReadAsync<Count>("x", ct);
            },
            o => o.HandlerTimeout = TimeSpan.FromSeconds(1));

        await UntilAckedAsync(1);

        Assert.That(runs, Is.GreaterThan(1));
        Assert.That(Bus.CountReceived<NackMessage>(), Is.Zero);
    }

    [Test]
    public async Task A_handler_that_hangs_after_a_read_has_failed([Values] bool readWasCutShort)
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await StartAsync(
            async (context, ct) =>
            {
                if (context.Inner.Attempt > 1)
                    return;
                try
                {
                    await context.Inner.ReadAsync<Count>("x", new CancellationToken(readWasCutShort));
                }
                catch (OperationCanceledException) when (readWasCutShort)
                {
                    // What is tested is what comes next.
                }

                await Task.Delay(Timeout.Infinite, ct);
            },
            o => o.HandlerTimeout = TimeSpan.FromSeconds(1));

        await UntilAckedAsync(1);

        Assert.That(Bus.Received.OfType<NackMessage>().Single().Reason, Is.EqualTo("TimeoutException"));
    }
}
