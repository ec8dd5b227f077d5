using Sequent.Client;
using Sequent.Protocol;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/publish.md.</summary>
public sealed class PublishTests : GuideTest
{
    [Test]
    public async Task Keys_values_and_conflicts()
    {
        var client = Client;

        Receipt first = await client.PublishAsync(new Deposited(50m), "acc-7");
        Console.WriteLine($"{first.Key} has value {first.Value} at position {first.Position}");

        await client.PublishAsync(new Withdrawn(20m), Sequence.At("acc-7", 1));

        Receipt receipt = await client.TryPublishAsync(new Withdrawn(20m), Sequence.At("acc-7", 1));
        if (receipt.Status == ReceiptStatus.Inconsistent)
            Console.WriteLine($"Value {receipt.Expected} is due.");

        Assert.That((first.Value, receipt.Status, receipt.Expected), Is.EqualTo(((uint?)0, ReceiptStatus.Inconsistent, (uint?)2)));
    }

    [Test]
    public async Task Several_events()
    {
        var client = Client;
        await Bus.PublishAsync(new Deposited(1m), "limits");

        IReadOnlyList<Receipt> receipts = await client.PublishAllAsync([new(new Deposited(1m), "acc-1"), new(new Deposited(2m), "acc-2")]);

        await client.PublishAtomicAsync(
            [new(new Withdrawn(1m), Sequence.At("acc-1", 1)), new(new Deposited(1m), "acc-2")],
            expect: new Dictionary<string, uint?> { ["limits"] = 0 });

        Assert.That(receipts, Has.Count.EqualTo(2));
        Assert.That(await Bus.PublishedAsync<Deposited>("acc-2"), Is.EqualTo(new[] { new Deposited(2m), new Deposited(1m) }));
    }

    [Test]
    public async Task Ids_and_repeating()
    {
        var client = Client;

        var id = Guid.CreateVersion7();
        var first = await client.PublishAsync(new Deposited(50m), "acc-7", new PublishOptions { EventId = id });
        var again = await client.PublishAsync(new Deposited(50m), "acc-7", new PublishOptions { EventId = id });
        Console.WriteLine($"{again.Status}: it has had position {again.Position} all the time");

        Assert.That((again.Status, again.Position), Is.EqualTo((ReceiptStatus.Duplicate, first.Position)));
        Assert.That(await Bus.EventsAsync("acc-7"), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task An_outcome_that_is_not_known()
    {
        var client = Client;
        await client.ConnectAsync(Token);
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var cancellationToken = caller.Token;
        Bus.Faults.DelayReceipts(TimeSpan.FromSeconds(1));
        var cancelling = CancelOnceStoredAsync(caller);

        try
        {
            await client.PublishAsync(new Deposited(50m), "acc-7", cancellationToken: cancellationToken);
        }
        catch (OutcomeUnknownException e) when (e.IsRepeatable)
        {
            // Later, perhaps after a restart: with the id the answer is found out, and nothing is stored twice.
            await client.PublishAsync(new Deposited(50m), "acc-7", new PublishOptions { EventId = e.EventId });
        }

        await cancelling;
        Assert.That(await Bus.EventsAsync("acc-7"), Has.Count.EqualTo(1));
    }

    private async Task CancelOnceStoredAsync(CancellationTokenSource caller)
    {
        while ((await Bus.EventsAsync("acc-7", cancellationToken: Token)).Count == 0)
            await Task.Delay(5, Token);
        await caller.CancelAsync();
    }
}
