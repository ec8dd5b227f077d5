using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Bus;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>A bus whose operator has set an ack deadline.</summary>
internal sealed class HandlerDeadlineTests : HostTest
{
    private static readonly TimeSpan AckDeadline = TimeSpan.FromSeconds(8);

    protected override void ConfigureBus(SequentBusOptions options) => options.AckDeadline = AckDeadline;

    [Test]
    public async Task A_handler_that_takes_longer_than_the_ack_deadline_runs_once_and_keeps_its_event()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var runs = 0;
        var wasRevoked = false;
        await StartAsync(async (_, ct) =>
        {
            Interlocked.Increment(ref runs);

            // What is tested is that time passes.
            await Task.Delay(AckDeadline + TimeSpan.FromSeconds(3), CancellationToken.None);
            wasRevoked = ct.IsCancellationRequested;
        });

        await UntilAsync(() => Bus.CountReceived<AckMessage>() > 0, "it is acked");

        Assert.That((runs, wasRevoked, Bus.CountReceived<NackMessage>()), Is.EqualTo((1, false, 0)));
        Assert.That(Bus.CountReceived<ExtendMessage>(), Is.GreaterThanOrEqualTo(2));
    }

    [Test]
    public async Task What_waits_behind_such_a_handler_is_not_late_either()
    {
        await Client.PublishAllAsync([new(new Deposited(1m), "a"), new(new Deposited(2m), "b")], Token);
        var handled = new List<(decimal Amount, int Attempt, bool Redelivered)>();
        await StartAsync(
            async (context, _) =>
            {
                handled.Add((context.Data.Amount, context.Attempt, context.Redelivered));
                if (handled.Count == 1)
                    await Task.Delay(AckDeadline + TimeSpan.FromSeconds(3), CancellationToken.None);
            },
            o => o.MaxParallelKeys = 1);

        await UntilAsync(() => Bus.Received.OfType<AckMessage>().Sum(a => a.Deliveries!.Count) == 2, "both are acked");

        Assert.That(handled.Order(), Is.EqualTo(new[] { (1m, 1, false), (2m, 1, false) }));
    }

    private Task<IHost> StartAsync(Handle handle, Action<SequentOptions>? configure = null) => StartHostAsync(
        b =>
        {
            b.Services.AddSingleton(handle);
            b.AddHandler<DepositedHandler, Deposited>();
        },
        configure);

    internal delegate Task Handle(EventContext<Deposited> context, CancellationToken cancellationToken);

    internal sealed class DepositedHandler(Handle handle) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken) => handle(context, cancellationToken);
    }
}
