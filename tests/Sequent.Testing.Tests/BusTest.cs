using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client;

namespace Sequent.Testing.Tests;

/// <summary>A test that may take 30 s at most, with what it needs of services and clients.</summary>
public abstract class BusTest
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    protected CancellationToken Token => _limit.Token;

    [TearDown]
    public void EndLimit() => _limit.Dispose();

    protected static Task<SequentTestBus> StartBusAsync(bool freezeTime = false, TimeSpan? patience = null, Action<SequentTestBusOptions>? configure = null)
    {
        var options = new SequentTestBusOptions
        {
            FreezeTime = freezeTime,
            Patience = patience ?? TimeSpan.FromSeconds(10),
            ConfigureClients = o => o.Events.Add<Deposited>().Add<Withdrawn>().Add<WithdrawalRequested>(),
        };
        configure?.Invoke(options);
        return SequentTestBus.StartAsync(options);
    }

    /// <summary>Handles deposits with a function.</summary>
    protected static Task<SequentTestService> HandleDepositsAsync(SequentTestBus bus, Handle handle) => bus.StartServiceAsync("accounts", service =>
    {
        service.Services.AddSingleton(handle);
        service.AddHandler<DepositedHandler, Deposited>();
    });

    protected static Task<SequentTestService> HandleDepositsAsync(SequentTestBus bus, Action<EventContext<Deposited>> handle) => HandleDepositsAsync(bus, (context, _) =>
    {
        handle(context);
        return Task.CompletedTask;
    });

    /// <summary>Waits for a condition that nothing announces.</summary>
    protected static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(15))
                Assert.Fail($"Waited in vain until {what}.");
            await Task.Delay(5);
        }
    }

    protected static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    public delegate Task Handle(EventContext<Deposited> context, CancellationToken cancellationToken);

    public sealed class DepositedHandler(Handle handle) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken) => handle(context, cancellationToken);
    }
}
