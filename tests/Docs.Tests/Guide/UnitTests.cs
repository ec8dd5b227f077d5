using Sequent.Client;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/units.md.</summary>
public sealed class UnitTests : GuideTest
{
    [Test]
    public async Task Read_decide_append()
    {
        var client = Client;
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        Bus.Faults.RejectNext("acc-7");

        UpdateResult result = await client.UpdateAsync(async (unit, ct) =>
        {
            var from = await unit.ReadAsync<Account>("acc-7", ct);
            if (!from.CanPay(20m))
                throw new InvalidOperationException("insufficient funds");
            unit.Append("acc-7", new Withdrawn(20m));
            unit.Append("acc-8", new Deposited(20m));
        });
        Console.WriteLine($"{result.Receipts.Count} events after {result.Attempts} runs");

        Assert.That((result.Receipts.Count, result.Attempts), Is.EqualTo((2, 2)));
    }

    [Test]
    public async Task Look_without_deciding()
    {
        var client = Client;
        await Bus.PublishAsync(new Deposited(50m), "acc-7");

        KeyState<Account> account = await client.ReadAsync<Account>("acc-7");
        Console.WriteLine(account.Exists ? $"{account.State.Balance} after value {account.LastValue}" : "no such account");

        Assert.That((account.State.Balance, account.LastValue), Is.EqualTo((50m, 0u)));
    }

    [Test]
    public async Task A_decision_with_an_id_takes_effect_once()
    {
        var client = Client;
        await Bus.PublishAsync(new Deposited(50m), "acc-7");
        var requestId = Guid.CreateVersion7();

        Assert.That(await PayAsync(client, requestId, CancellationToken.None), Is.True);
        Assert.That(await PayAsync(client, requestId, CancellationToken.None), Is.True);
        Assert.That(await Bus.PublishedAsync<Withdrawn>("acc-7"), Has.Count.EqualTo(1));
    }

    public static async Task<bool> PayAsync(ISequentClient client, Guid requestId, CancellationToken cancellationToken)
    {
        var result = await client.UpdateAsync(
            async (unit, ct) =>
            {
                var account = await unit.ReadAsync<Account>("acc-7", ct);
                unit.Append("acc-7", account.CanPay(20m) ? new Withdrawn(20m) : new TransferRejected("insufficient_funds"));
            },
            new UpdateOptions { DecisionId = requestId },
            cancellationToken);
        return result.Data[0] is Withdrawn;
    }
}
