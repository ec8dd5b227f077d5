using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Client.Hosting;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed partial class HandlerTests : HostTest
{
    [Test]
    public async Task What_a_handler_appends_is_one_batch_under_derived_ids_and_then_the_event_is_acked()
    {
        var cause = await Client.PublishAsync(new Deposited(1m), "from", new PublishOptions { CorrelationId = 7, TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, Token);
        await StartAsync(async (context, ct) =>
        {
            var from = await context.ReadAsync<Count>(context.Key, ct);
            context.Append(context.Key, new Renamed($"seen {from.Events}"));
            context.Append("to", new Renamed($"{context.Data.Amount} {context.Value} {context.Position} {context.Attempt} {context.CorrelationId}"));
        });

        await UntilAckedAsync(1);

        var events = await EventsOfAsync("from", "to");
        Assert.That(events.Skip(1).Select(e => e.Data), Is.EqualTo(new[] { new Renamed("seen 1"), new Renamed("1 0 1 1 7") }));
        Assert.That(events.Skip(1).Select(e => e.EventId), Is.EqualTo(new Guid?[] { Derived(events[0], 0), Derived(events[0], 1) }));
        Assert.That(events.Select(e => (e.CorrelationId, TraceId: e.TraceParent!.Split('-')[1])).Distinct().Count(), Is.EqualTo(1), "correlation and trace go on");
        Assert.That(cause.EventId, Is.EqualTo(events[0].EventId));
        Assert.That(Bus.Received.OfType<NewMessage>().Last(), Has.Property("Atomic").True);
    }

    [Test]
    public async Task A_redelivered_event_whose_decision_is_stored_is_acked_without_running_the_handler()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var runs = 0;
        Bus.LoseNext<AckMessage>();
        await StartAsync((context, _) =>
        {
            runs++;
            context.Append("done", new Renamed("done"));
            return Task.CompletedTask;
        });

        await UntilAckedAsync(2);

        Assert.That((runs, (await EventsOfAsync("done")).Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task A_handler_that_throws_halfway_and_then_decides_otherwise_leaves_one_whole_decision()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await StartAsync((context, _) =>
        {
            var run = context.Attempt == 1 ? "first" : "second";
            context.Append("a", new Renamed(run));
            if (context.Attempt == 1)
                throw new InvalidOperationException("after the first of three");
            context.Append("b", new Renamed(run));
            context.Append("c", new Renamed(run));
            return Task.CompletedTask;
        });

        await UntilAckedAsync(1);

        Assert.That((await EventsOfAsync("a", "b", "c")).Select(e => (e.Key, ((Renamed)e.Data).Name)), Is.EqualTo(new[] { ("a", "second"), ("b", "second"), ("c", "second") }));
    }

    [Test]
    public async Task What_a_handler_publishes_by_itself_carries_the_correlation_of_its_event()
    {
        await Client.PublishAsync(new Deposited(1m), "k", new PublishOptions { CorrelationId = 4_711 }, Token);
        await StartAsync(async (context, ct) =>
        {
            await Client.PublishAsync(new Renamed("aside"), "aside", cancellationToken: ct);
            context.Append("done", new Renamed("done"));
        });

        await UntilAckedAsync(1);

        Assert.That((await EventsOfAsync("aside", "done")).Select(e => e.CorrelationId), Is.EqualTo(new[] { 4_711, 4_711 }));
    }

    [Test]
    public async Task A_decision_that_another_instance_stored_first_stands()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var cause = (await EventsOfAsync("k")).Single();
        await Client.PublishAsync(new Renamed("earlier"), "done", new PublishOptions { EventId = Derived(cause, 0) }, Token);
        await StartAsync((context, _) =>
        {
            context.Append("done", new Renamed("later"));
            return Task.CompletedTask;
        });

        await UntilAckedAsync(1);

        Assert.That((await EventsOfAsync("done")).Single().Data, Is.EqualTo(new Renamed("earlier")));
    }

    [Test]
    public async Task A_handler_that_throws_gets_its_event_again_and_nobody_is_told_its_data()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        var attempts = new ConcurrentQueue<(decimal Amount, int Attempt)>();
        await StartAsync((context, _) =>
        {
            attempts.Enqueue((context.Data.Amount, context.Attempt));
            return context is { Data.Amount: 1m, Attempt: 1 } ? throw new InvalidOperationException("secret") : Task.CompletedTask;
        });

        await UntilAckedAsync(2);

        Assert.That(attempts, Is.EqualTo(new[] { (1m, 1), (1m, 2), (2m, 1) }));
        Assert.That(Bus.Received.OfType<NackMessage>().Single().Reason, Is.EqualTo("InvalidOperationException"));
    }

    [Test]
    public async Task A_handler_whose_reads_have_moved_on_runs_again_in_a_new_scope_without_a_nack()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var handlers = new ConcurrentQueue<object>();
        await StartAsync(async (context, ct) =>
        {
            await context.ReadAsync<Count>("done", ct);
            handlers.Enqueue(context.Unit);
            if (handlers.Count == 1)
                await Client.PublishAsync(new Renamed("between"), "done", cancellationToken: ct);
            context.Append("done", new Renamed("done"));
        });

        await UntilAckedAsync(1);

        Assert.That((handlers.Count, handlers.Distinct().Count(), Bus.CountReceived<NackMessage>()), Is.EqualTo((2, 2, 0)));
        Assert.That((await EventsOfAsync("done")).Select(e => ((Renamed)e.Data).Name), Is.EqualTo(["between", "done"]));
    }

    [Test]
    public async Task Events_of_a_key_are_handled_one_after_the_other_and_keys_side_by_side()
    {
        for (var i = 0; i < 3; i++)
        {
            await Client.PublishAsync(new Deposited(i), "a", cancellationToken: Token);
            await Client.PublishAsync(new Deposited(i), "b", cancellationToken: Token);
        }

        var running = new ConcurrentDictionary<string, int>();
        var both = new TaskCompletionSource();
        var order = new ConcurrentQueue<(string Key, decimal Amount)>();
        await StartAsync(async (context, ct) =>
        {
            Assert.That(running.TryAdd(context.Key, 0), Is.True, "one at a time");
            if (running.Count == 2)
                both.TrySetResult();
            await both.Task.WaitAsync(ct);
            order.Enqueue((context.Key, context.Data.Amount));
            running.TryRemove(context.Key, out _);
        });

        await UntilAckedAsync(6);

        Assert.That(order.Where(o => o.Key == "a").Select(o => o.Amount), Is.EqualTo([0m, 1m, 2m]));
        Assert.That(order.Where(o => o.Key == "b").Select(o => o.Amount), Is.EqualTo([0m, 1m, 2m]));
    }

    [Test]
    public async Task No_more_keys_than_allowed_are_handled_at_once()
    {
        for (var i = 0; i < 20; i++)
            await Client.PublishAsync(new Deposited(i), $"k{i}", cancellationToken: Token);
        var (running, most) = (0, 0);
        await StartAsync(
            async (context, ct) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await context.ReadAsync<Count>("x", ct);
                Interlocked.Decrement(ref running);
            },
            o => o.MaxParallelKeys = 2);

        await UntilAckedAsync(20);

        Assert.That(most, Is.InRange(1, 2));
    }

    [Test]
    public async Task A_handler_that_takes_too_long_is_cancelled_and_its_event_given_back()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await StartAsync(
            async (context, ct) =>
            {
                if (context.Attempt == 1)
                    await new TaskCompletionSource().Task;
            },
            o => o.HandlerTimeout = TimeSpan.FromSeconds(1));

        await UntilAckedAsync(1);

        Assert.That(Bus.Received.OfType<NackMessage>().Single().Reason, Is.EqualTo("TimeoutException"));
    }

    [Test]
    public async Task A_delivery_that_is_lost_cancels_its_handler_and_is_neither_committed_nor_settled()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var runs = 0;
        await StartAsync(async (context, ct) =>
        {
            if (Interlocked.Increment(ref runs) == 1)
            {
                Bus.CutAll();
                var lost = new TaskCompletionSource();
                await using (ct.Register(lost.SetResult))
                    await lost.Task;
            }

            context.Append("done", new Renamed($"run {runs}"));
        });

        await UntilAckedAsync(1);

        Assert.That(Bus.CountReceived<NackMessage>(), Is.Zero);
        Assert.That((await EventsOfAsync("done")).Single().Data, Is.EqualTo(new Renamed("run 2")));
    }

    [Test]
    public async Task Data_that_does_not_fit_counts_as_a_failure()
    {
        var stranger = Use(Bus.CreateClient(o => o.Events.Add<Support.Other.Deposited>()));
        await stranger.PublishAsync(new Support.Other.Deposited("much"), "k", cancellationToken: Token);
        await StartAsync((_, _) => Task.CompletedTask);

        await UntilAsync(() => Bus.CountReceived<NackMessage>() > 0, "it is nacked");

        Assert.That(Bus.Received.OfType<NackMessage>().First().Reason, Is.EqualTo("JsonException"));
    }

    [Test]
    public async Task A_graceful_stop_lets_running_handlers_finish_and_acks_them()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        var started = new TaskCompletionSource();
        var finish = new TaskCompletionSource();
        var host = await StartAsync(async (context, ct) =>
        {
            started.TrySetResult();
            await finish.Task.WaitAsync(ct);
            context.Append("done", new Renamed("done"));
        });
        await started.Task.WaitAsync(Token);

        var stopping = host.StopAsync(Token);
        finish.SetResult();
        await stopping;

        await UntilAckedAsync(1);
        Assert.That(await EventsOfAsync("done"), Has.Count.EqualTo(1));
        Assert.That(Bus.CountReceived<AckMessage>(), Is.EqualTo(1), "the second event was not begun");
    }

    [Test]
    public async Task A_stop_that_may_not_wait_cancels_handlers_and_settles_nothing()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var started = new TaskCompletionSource();
        var host = await StartAsync(async (_, ct) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        await started.Task.WaitAsync(Token);

        await host.StopAsync(new CancellationToken(canceled: true));

        Assert.That((Bus.CountReceived<AckMessage>(), Bus.CountReceived<NackMessage>()), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_refused_registration_is_tried_again()
    {
        Bus.RefuseNext<RegisterMessage>(ErrorCodes.RateLimited);
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);

        await StartAsync((_, _) => Task.CompletedTask);

        await UntilAckedAsync(1);
    }

    [Test]
    public async Task All_handlers_of_a_client_type_share_one_registration()
    {
        await StartHostAsync(b =>
        {
            b.Services.AddSingleton<Handle>((_, _) => Task.CompletedTask);
            b.AddHandler<DepositedHandler, Deposited>().AddHandler<RenamedHandler, Renamed>();
        });

        await UntilAsync(() => Bus.CountReceived<RegisterMessage>() > 0, "it registers");

        Assert.That(Bus.Received.OfType<RegisterMessage>().Single().EventTypes, Is.EquivalentTo(["Deposited", "renamed.v2"]));
    }

    private Task<IHost> StartAsync(Handle handle, Action<SequentOptions>? configure = null) => StartHostAsync(
        b =>
        {
            b.Services.AddSingleton(handle);
            b.AddHandler<DepositedHandler, Deposited>();
        },
        configure);

    private Task UntilAckedAsync(int count) => UntilAsync(() => Bus.Received.OfType<AckMessage>().Sum(a => a.Deliveries!.Count) >= count, $"{count} events are acked");

    private static Guid Derived(RecordedEvent cause, int index) => DerivedId.For(cause, "accounts", nameof(DepositedHandler), index);

    internal delegate Task Handle(Context context, CancellationToken cancellationToken);

    /// <summary>The context, and which handler object has it.</summary>
    internal sealed record Context(EventContext<Deposited> Inner, object Unit)
    {
        public Deposited Data => Inner.Data;

        public string Key => Inner.Key;

        public uint Value => Inner.Value;

        public long Position => Inner.Position;

        public int Attempt => Inner.Attempt;

        public uint CorrelationId => Inner.CorrelationId;

        public ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken)
            where TState : IState<TState> => Inner.ReadAsync<TState>(key, cancellationToken);

        public void Append(string key, object data) => Inner.Append(key, data);
    }

    internal sealed class DepositedHandler(Handle handle) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken) => handle(new Context(context, this), cancellationToken);
    }

    internal sealed class RenamedHandler : IEventHandler<Renamed>
    {
        public Task HandleAsync(EventContext<Renamed> context, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
