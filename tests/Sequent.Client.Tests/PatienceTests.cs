using Microsoft.Extensions.DependencyInjection;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>Nobody waits for ever, and what was cancelled is as it was.</summary>
internal sealed class PatienceTests : BusTest
{
    [Test]
    public async Task A_publish_that_is_backing_off_ends_when_the_client_is_disposed()
    {
        var client = NewClient();
        await client.ConnectAsync(Token);
        for (var i = 0; i < 200; i++)
            Bus.RefuseNext<NewMessage>(ErrorCodes.StoreUnavailable);
        var publishing = client.PublishAsync(new Deposited(1m), "k");
        await UntilAsync(() => Bus.CountReceived<NewMessage>() >= 4, "it was refused");

        await client.DisposeAsync();

        await ThrownByAsync<SequentException>(() => publishing.WaitAsync(Token));
    }

    [Test]
    public async Task An_ack_or_nack_that_was_cancelled_can_be_made_again([Values] bool ack)
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await foreach (var delivery in Client.SubscribeAsync(new SubscriptionOptions("a") { Start = Start.Earliest }, Token))
        {
            await ThrownByAsync<OperationCanceledException>(() => SettleAsync(delivery, ack, cancelled.Token).AsTask());
            await SettleAsync(delivery, ack, Token);
            break;
        }

        await UntilAsync(() => ack ? Bus.CountReceived<AckMessage>() == 1 : Bus.CountReceived<NackMessage>() == 1, "the bus heard of it");
    }

    [Test]
    public async Task Cancelling_a_unit_ends_its_reads_too()
    {
        Bus.IsDown = true;
        using var cancelled = new CancellationTokenSource();
        var reading = new TaskCompletionSource();
        var updating = Client.UpdateAsync(
            async (unit, _) =>
            {
                reading.SetResult();
                await unit.ReadAsync<Count>("k", CancellationToken.None);
            },
            cancellationToken: cancelled.Token);
        await reading.Task.WaitAsync(Token);

        await cancelled.CancelAsync();

        await ThrownByAsync<OperationCanceledException>(() => updating.WaitAsync(Token));
    }

    [Test]
    public async Task More_reads_than_a_session_may_have_wait_their_turn() =>
        await Task.WhenAll(Enumerable.Range(0, 3_000).Select(i => Client.ReadAsync<Count>($"k{i}", Token)));

    [Test]
    public async Task Half_a_surrogate_pair_is_no_key() =>
        await ThrownByAsync<ArgumentException>(() => Client.ReadAsync<Count>("\ud800", Token));

    [Test]
    public void A_container_that_knows_only_dispose_may_hold_a_client()
    {
        var services = new ServiceCollection();
        services.AddSequent(o => o.Server = Bus.Address);
        var provider = services.BuildServiceProvider();
        _ = provider.GetRequiredService<ISequentClient>();
        Assert.That(provider.Dispose, Throws.Nothing);
    }

    private static ValueTask SettleAsync(Delivery delivery, bool ack, CancellationToken cancellationToken) =>
        ack ? delivery.AckAsync(cancellationToken) : delivery.NackAsync(null, cancellationToken);
}
