using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class FoldTests : BusTest
{
    private sealed record Surcharged(decimal Amount);

    [Test]
    public async Task A_state_is_not_folded_silently_over_an_event_without_a_type()
    {
        await Client.PublishAsync(new Deposited(5m), "acc", cancellationToken: Token);
        await Client.PublishAsync(new Surcharged(1m), "acc", cancellationToken: Token);
        var stranger = NewClient();

        var fault = await ThrownByAsync<InvalidOperationException>(() => stranger.ReadAsync<Account>("acc", Token));
        Assert.That(fault.Message, Does.Contain("Surcharged acc/1").And.Contain("options.Events.Add<Surcharged>()"));

        Assert.That((await stranger.ReadAsync<Count>("acc", Token)).State.Events, Is.EqualTo(2), "who does not look at the data needs no type");
        var read = (await EventsOfAsync("acc"))[1];
        Assert.That(read.EventType, Is.EqualTo("Surcharged"));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Outside_a_fold_data_without_a_type_is_json()
    {
        await Client.PublishAsync(new Surcharged(1m), "acc", cancellationToken: Token);
        await foreach (var e in NewClient().QueryAsync(new EventQuery { Keys = ["acc"] }, Token))
            Assert.That(((System.Text.Json.JsonElement)e.Data).GetProperty("Amount").GetDecimal(), Is.EqualTo(1m));
    }

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task Reading_the_data_of_an_event_does_not_make_it_another_one()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var (read, unread) = ((await EventsOfAsync("k"))[0], (await EventsOfAsync("k"))[0]);
        _ = read.Data;
        Assert.That(read, Is.EqualTo(unread));
        Assert.That(read.GetHashCode(), Is.EqualTo(unread.GetHashCode()));
    }
}
