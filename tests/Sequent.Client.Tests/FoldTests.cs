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

    [On(ProtocolVersion.V1, ProtocolVersion.V2)]
    public async Task A_unit_may_read_a_key_in_more_than_one_way()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        (decimal Balance, int Events) seen = default;

        await Client.UpdateAsync(
            async (unit, ct) => seen = ((await unit.ReadAsync<Account>("k", ct)).Balance, (await unit.ReadAsync<Count>("k", ct)).Events),
            cancellationToken: Token);

        Assert.That(seen, Is.EqualTo((7m, 2)));
    }

    [Test]
    public async Task What_a_unit_reads_of_a_key_later_is_as_old_as_what_it_read_first_though_newer_is_kept()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        var (balance, events) = (0m, 0);

        await Client.UpdateAsync(
            async (unit, ct) =>
            {
                balance = (await unit.ReadAsync<Account>("k", ct)).Balance;
                await Client.PublishAsync(new Deposited(2m), "k", cancellationToken: ct);
                await Client.ReadAsync<Count>("k", ct);
                events = (await unit.ReadAsync<Count>("k", ct)).Events;
            },
            cancellationToken: Token);

        Assert.That((balance, events), Is.EqualTo((5m, 1)));
    }

    [Test]
    public async Task Only_events_after_those_that_are_folded_already_are_read()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        await Client.ReadAsync<Count>("k", Token);

        await Client.UpdateAsync(async (unit, ct) => _ = (await unit.ReadAsync<Account>("k", ct), await unit.ReadAsync<Count>("k", ct)), cancellationToken: Token);

        Assert.That(Bus.Received.OfType<QueryMessage>().Select(q => q.After), Is.EqualTo(new long?[] { null, null, 1 }));
    }

    [Test]
    public async Task A_log_that_ends_before_what_is_kept_is_read_from_its_start()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        await Client.ReadAsync<Account>("k", Token);
        Bus.RefuseNext<QueryMessage>(ErrorCodes.PositionAhead);

        var read = await Client.ReadAsync<Account>("k", Token);

        Assert.That((read.State.Balance, read.LastValue), Is.EqualTo((5m, 0u)));
        Assert.That(Bus.Received.OfType<QueryMessage>().Select(q => q.After), Is.EqualTo(new long?[] { null, 1, null }));
    }

    [Test]
    public async Task A_refusal_that_has_nothing_to_do_with_what_is_kept_comes_out()
    {
        await Client.PublishAsync(new Deposited(5m), "k", cancellationToken: Token);
        await Client.ReadAsync<Account>("k", Token);
        Bus.RefuseNext<QueryMessage>(ErrorCodes.InvalidMessage);

        var fault = await ThrownByAsync<RequestFailedException>(() => Client.ReadAsync<Account>("k", Token));

        Assert.That(fault.Code, Is.EqualTo(ErrorCodes.InvalidMessage));
    }

    [Test]
    public async Task A_gap_in_a_key_is_told_without_guessing_at_types_because_this_bus_sends_them_all()
    {
        Bus.AnswerNext<QueryMessage>(query => $$"""
            {"message_type":"rebuild","request_id":"{{query.RequestId}}","events":[{"consistency":{"key":"k","value":1},"correlation_id":7,"event_type":"Deposited",
            "position":3,"sender":"V4(127.0.0.1:45837)","session_id":"13835058055282163712","time":"2026-11-24T09:30:00.123456Z",
            "timestamp":"Tue, 24 Nov 2026 09:30:00 +0000","timestamp_raw":1795512600,"data":5}],"position":3,"last":true}
            """);

        var fault = await ThrownByAsync<RequestFailedException>(() => Client.ReadAsync<Account>("k", Token));

        Assert.That(fault.Message, Is.EqualTo("The event of key 'k' after value none has value 1. (internal)"));
    }
}
