using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What becomes of deliveries when their loop is left, and what else may be done with one.</summary>
internal sealed class LeavingTests : BusTest
{
    private static SubscriptionOptions Accounts => new("accounts") { Start = Start.Earliest };

    [Test]
    public async Task Leaving_the_loop_unregisters_with_drain_and_waits_for_what_was_handed_out()
    {
        await Client.PublishAllAsync([new(new Deposited(1m), "a"), new(new Deposited(2m), "b")], Token);
        var late = new TaskCompletionSource();
        var leaving = Task.Run(async () =>
        {
            await foreach (var delivery in Client.SubscribeAsync(Accounts, Token))
            {
                _ = late.Task.ContinueWith(_ => delivery.AckAsync(Token).AsTask(), TaskScheduler.Default);
                break;
            }
        });
        await UntilAsync(() => Bus.Received.OfType<UnregisterMessage>().Any(m => m.Drain), "it unregisters");
        Assert.That(leaving.IsCompleted, Is.False, "somebody still works on the first one");
        late.SetResult();
        await leaving;

        Assert.That(await NextAsync(), Is.EqualTo(new Deposited(2m)), "the first one was acked, the second one is another's");
    }

    [Test]
    public async Task What_is_not_settled_in_time_goes_to_others_without_counting_as_a_failure()
    {
        await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        await foreach (var _ in Client.SubscribeAsync(Accounts with { DrainTimeout = TimeSpan.Zero }, Token))
            break;

        await foreach (var delivery in Client.SubscribeAsync(Accounts, Token))
        {
            Assert.That((delivery.Attempt, delivery.Redelivered), Is.EqualTo((1, true)));
            await delivery.AckAsync(Token);
            break;
        }
    }

    [Test]
    public async Task A_delivery_given_up_lets_its_key_go_on()
    {
        await Client.PublishAllAsync([new(new Deposited(1m), "a"), new(new Deposited(2m), "a")], Token);
        var seen = new List<object>();
        await foreach (var delivery in Client.SubscribeAsync(Accounts with { MaxInFlightPerKey = 1 }, Token))
        {
            seen.Add(delivery.Event.Data);
            if (seen.Count == 2)
            {
                await delivery.AckAsync(Token);
                break;
            }

            await delivery.DeadLetterAsync("no such account", Token);
        }

        Assert.That(seen, Is.EqualTo(new[] { new Deposited(1m), new Deposited(2m) }));
        var nack = Bus.Received.OfType<NackMessage>().Single();
        Assert.That((nack.DeadLetter, nack.Reason), Is.EqualTo((true, "no such account")));
    }

    [Test]
    public async Task Work_that_takes_longer_is_told_to_the_bus_until_it_is_settled()
    {
        await Client.PublishAsync(new Deposited(1m), "a", cancellationToken: Token);
        await foreach (var delivery in Client.SubscribeAsync(Accounts, Token))
        {
            await delivery.ExtendAsync(TimeSpan.FromMinutes(1), Token);
            Assert.That(async () => await delivery.ExtendAsync(TimeSpan.FromHours(2), Token), Throws.InstanceOf<ArgumentOutOfRangeException>());
            await delivery.AckAsync(Token);
            await delivery.ExtendAsync(TimeSpan.FromMinutes(2), Token);
            break;
        }

        Assert.That(Bus.Received.OfType<ExtendMessage>().Select(m => m.Ms), Is.EqualTo(new[] { 60_000 }));
    }

    [Test]
    public async Task The_latest_come_first_if_asked_for_also_over_a_lost_connection()
    {
        for (var i = 0; i < 5; i++)
            await Client.PublishAsync(new Deposited(i), "a", new PublishOptions { CorrelationId = i % 2 == 0 ? 7u : 8u }, Token);
        Bus.LoseNext<MoreMessage>();
        var amounts = new List<decimal>();
        await foreach (var e in Client.QueryAsync(new EventQuery { Descending = true, CorrelationId = 7 }, Token))
            amounts.Add(((Deposited)e.Data).Amount);

        Assert.That(amounts, Is.EqualTo(new[] { 4m, 2m, 0m }));
    }

    private async Task<object> NextAsync()
    {
        await foreach (var delivery in Client.SubscribeAsync(Accounts, Token))
        {
            await delivery.AckAsync(Token);
            return delivery.Event.Data;
        }

        throw new AssertionException("The subscription ended.");
    }
}
