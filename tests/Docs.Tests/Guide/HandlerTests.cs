using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sequent.Client;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/handlers.md.</summary>
public sealed class HandlerTests : GuideTest
{
    [Test]
    public async Task Handle_events_in_a_host()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Sequent:Server"] = Bus.Address.ToString(), ["Sequent:ClientType"] = "accounts", ["Sequent:Start"] = "earliest" });

        builder.Services.AddSequent(builder.Configuration.GetSection("Sequent"))
            .AddHandler<TransferHandler, TransferRequested>()
            .AddEvent<Deposited>().AddEvent<Withdrawn>().AddEvent<TransferAccepted>().AddEvent<TransferRejected>();

        using var host = builder.Build();
        await host.StartAsync(Token);
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        await Bus.PublishAsync(new TransferRequested("acc-7", "acc-8", 30m), "tx-1");
        await Bus.WaitUntilSettledAsync("accounts", Token);
        await Bus.PublishAsync(new TransferRequested("acc-7", "acc-8", 30m), "tx-2");
        await Bus.WaitUntilSettledAsync("accounts", Token);
        Assert.That(await Bus.PublishedAsync<Deposited>("acc-8"), Is.EqualTo(new[] { new Deposited(30m) }));
        Assert.That(await Bus.PublishedAsync<TransferRejected>("tx-2"), Is.EqualTo(new[] { new TransferRejected("insufficient_funds") }));
        await host.StopAsync(Token);
    }

    [Test]
    public async Task A_side_effect_is_told_apart_by_the_place_of_its_event()
    {
        var mails = new Mails();
        await using var service = await Bus.StartServiceAsync("mails", s =>
        {
            s.Services.AddSingleton(mails);
            s.AddHandler<MailHandler, TransferAccepted>();
        });
        await Bus.PublishAsync(new TransferAccepted(), "tx-1");
        await Bus.WaitUntilSettledAsync("mails", Token);
        Assert.That(mails.Sent.Keys, Is.EqualTo(new[] { "tx-1/0" }));
    }

    [Test]
    public async Task Take_events_as_they_are()
    {
        var journal = new Journal();
        await using var service = await Bus.StartServiceAsync("journal", s =>
        {
            s.Services.AddSingleton(journal);
            s.AddRawHandler<JournalHandler>();
        });
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        await Bus.WaitUntilSettledAsync("journal", Token);
        Assert.That(journal.Lines, Is.EqualTo(new[] { """Deposited acc-7/0 {"Amount":50}""" }));
    }

    [Test]
    public async Task Take_part_by_hand()
    {
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        await Bus.PublishAsync(new Deposited(0m), "acc-8");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var taking = TakeAsync(stop.Token);
        await Bus.WaitUntilSettledAsync("by-hand", Token);
        await stop.CancelAsync();
        await Assert.ThatAsync(() => taking, Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await Bus.DeadLettersAsync("by-hand")).Select(d => d.Reason), Is.EqualTo(new[] { "there is nothing in it" }));
    }

    private async Task TakeAsync(CancellationToken cancellationToken)
    {
        var client = Client;

        var options = new SubscriptionOptions("by-hand") { Types = ["Deposited"], Start = Start.Earliest };
        await foreach (Delivery delivery in client.SubscribeAsync(options, cancellationToken))
        {
            if (delivery.Event.Data is Deposited { Amount: > 0 })
                await delivery.AckAsync(cancellationToken);
            else
                await delivery.DeadLetterAsync("there is nothing in it", cancellationToken);
        }
    }
}

public sealed class TransferHandler : IEventHandler<TransferRequested>
{
    public async Task HandleAsync(EventContext<TransferRequested> context, CancellationToken cancellationToken)
    {
        // Read, so that this transfer can end only once.
        var transfer = await context.ReadAsync<Transfer>(context.Key, cancellationToken);
        if (transfer.Ended)
            return;

        var from = await context.ReadAsync<Account>(context.Data.From, cancellationToken);
        if (!from.CanPay(context.Data.Amount))
        {
            context.Append(context.Key, new TransferRejected("insufficient_funds"));
            return;
        }

        context.Append(context.Key, new TransferAccepted());
        context.Append(context.Data.From, new Withdrawn(context.Data.Amount));
        context.Append(context.Data.To, new Deposited(context.Data.Amount));
    }
}

public sealed class MailHandler(Mails mails) : IEventHandler<TransferAccepted>
{
    public Task HandleAsync(EventContext<TransferAccepted> context, CancellationToken cancellationToken) =>
        mails.SendOnceAsync(id: $"{context.Key}/{context.Value}", "Your transfer is done.", cancellationToken);
}

public sealed class JournalHandler(Journal journal) : IEventHandler<JsonElement>
{
    public Task HandleAsync(EventContext<JsonElement> context, CancellationToken cancellationToken)
    {
        journal.Write($"{context.Event.EventType} {context.Key}/{context.Value} {context.Data.GetRawText()}");
        return Task.CompletedTask;
    }
}

/// <summary>A service that sends a mail of an id once.</summary>
public sealed class Mails
{
    public ConcurrentDictionary<string, string> Sent { get; } = [];

    public Task SendOnceAsync(string id, string text, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Sent.TryAdd(id, text);
        return Task.CompletedTask;
    }
}

public sealed class Journal
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public void Write(string line) => Lines.Enqueue(line);
}
