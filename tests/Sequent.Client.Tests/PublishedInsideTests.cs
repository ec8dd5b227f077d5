using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What a handler publishes through the client instead of its context is not exactly once, of which it is warned.</summary>
internal sealed class PublishedInsideTests : HostTest
{
    private readonly Warnings _warnings = new();

    [TearDown]
    public void EndWarnings() => _warnings.Dispose();

    [Test]
    public async Task A_handler_that_publishes_through_the_client_is_warned_and_told_what_to_use()
    {
        await StartAsync(async (client, _, ct) => await client.PublishAsync(new Renamed("aside"), "aside", cancellationToken: ct));

        Assert.That(_warnings.Messages.Single(), Does.StartWith("renamed.v2 was published inside a unit or handler").And.Contain("Append of the unit or EventContext"));
    }

    [Test]
    public async Task A_handler_that_runs_a_unit_of_its_own_is_warned_too()
    {
        await StartAsync((client, _, ct) => client.UpdateAsync(
            (unit, _) =>
            {
                unit.Append("aside", new Renamed("aside"));
                return Task.CompletedTask;
            },
            cancellationToken: ct));

        Assert.That(_warnings.Messages.Single(), Does.StartWith("A unit was published inside a unit or handler"));
    }

    [Test]
    public async Task A_handler_that_appends_through_its_context_is_not_warned()
    {
        await StartAsync((_, context, _) =>
        {
            context.Append("done", new Renamed("done"));
            return Task.CompletedTask;
        });

        Assert.That(_warnings.Messages, Is.Empty);
    }

    /// <summary>Returns when the handler has handled an event.</summary>
    private async Task StartAsync(Handle handle)
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await StartHostAsync(b =>
        {
            b.Services.AddLogging(l => l.AddProvider(_warnings)).AddSingleton(handle);
            b.AddHandler<DepositedHandler, Deposited>().AddEvent<Renamed>();
        });
        await UntilAsync(() => Bus.CountReceived<AckMessage>() > 0, "the event is acked");
    }

    internal delegate Task Handle(ISequentClient client, EventContext<Deposited> context, CancellationToken cancellationToken);

    internal sealed class DepositedHandler(ISequentClient client, Handle handle) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken) => handle(client, context, cancellationToken);
    }

    /// <summary>Keeps the warnings of clients.</summary>
    private sealed class Warnings : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _messages = new();

        public IReadOnlyCollection<string> Messages => _messages;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                _messages.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
