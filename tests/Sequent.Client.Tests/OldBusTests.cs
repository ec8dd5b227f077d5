using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>The original bus where it is unlike Sequent in its place.</summary>
internal sealed class OldBusTests
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));

    private CancellationToken Token => _limit.Token;

    [TearDown]
    public void Dispose() => _limit.Dispose();

    [Test]
    public async Task It_gets_no_close_frame_because_it_would_take_the_connection_for_alive()
    {
        await using var bus = await OldBus.StartAsync((_, _) => [OldBus.Receipt(Checksum.Compute("""{"Amount":1}"""u8))]);
        var client = NewClient(bus);
        await client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await client.DisposeAsync();
        await BusTest.UntilAsync(() => !bus.Ends.IsEmpty, "the session has ended");
        Assert.That(bus.Ends, Is.EqualTo(new[] { "tcp" }));
    }

    [Test]
    public async Task A_checksum_of_floats_that_it_prints_in_its_own_way_is_told_by_the_order()
    {
        var others = 0;
        await using var bus = await OldBus.StartAsync((b, _) => [OldBus.Receipt(Interlocked.Increment(ref others) == 1 ? new string('0', 40) : Checksum.Compute("""{"Amount":2}"""u8))]);
        await using var client = NewClient(bus);
        var first = await client.PublishAsync(new Deposited(1m), Sequence.At("k", 0), cancellationToken: Token);
        var second = await client.PublishAsync(new Deposited(2m), Sequence.At("k", 1), cancellationToken: Token);
        Assert.That((first.Value, second.Value), Is.EqualTo((0u, 1u)));
    }

    [Test]
    public async Task A_publish_it_does_not_answer_is_unknown_and_never_sent_again()
    {
        await using var bus = await OldBus.StartAsync((b, _) => b.Count("new") == 1 ? [] : [OldBus.Receipt(Checksum.Compute("""{"Amount":2}"""u8))]);
        await using var client = NewClient(bus);
        var silent = client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await BusTest.UntilAsync(() => bus.Count("new") == 1, "the first is sent");
        await client.PublishAsync(new Deposited(2m), "k", cancellationToken: Token);
        var fault = await Assert.ThrowsAsync<OutcomeUnknownException>(() => silent);
        Assert.That((fault.IsRepeatable, bus.Count("new")), Is.EqualTo((false, 2)));
    }

    [Test]
    public async Task What_waits_is_handed_over_and_acked_before_the_registration_is_answered()
    {
        await using var bus = await OldBus.StartAsync((_, message) => (string)message["message_type"]! switch
        {
            "register" => [OldBus.Event("k", 0, "Deposited", """{"Amount":1}""")],
            "ack" => ["""{"client_type":"x","event_types":["Deposited"],"message_type":"registration"}""", OldBus.Event("k", 1, "Deposited", """{"Amount":2}""")],
            _ => [],
        });
        await using var client = NewClient(bus);
        var seen = new List<object>();
        await foreach (var delivery in client.SubscribeAsync(new SubscriptionOptions("x") { Types = ["Deposited"] }, Token))
        {
            seen.Add(delivery.Event.Data);
            await delivery.AckAsync(Token);
            if (seen.Count == 2)
                break;
        }

        Assert.That(seen, Is.EqualTo(new[] { new Deposited(1m), new Deposited(2m) }));
        var ack = bus.Received.First(m => (string)m["message_type"]! == "ack");
        Assert.That(
            (ack["session_id"]!.ToJsonString(), ack["timestamp_raw"]!.ToJsonString(), (string)ack["sender"]!, ack.AsObject().Count),
            Is.EqualTo(("13835058055282163712", "1520949909", "V4(127.0.0.1:1)", 9)),
            "the whole event goes back as it came");
    }

    [Test]
    public async Task A_state_whose_last_events_are_of_unknown_types_is_found_out_when_it_is_decided_on()
    {
        // It stores Unheard/1, which is not asked for, so value 1 is taken.
        await using var bus = await OldBus.StartAsync((_, message) => (string)message["message_type"]! == "query"
            ? [$$"""{"events":[{{OldBus.Event("k", 0, "Deposited", """{"Amount":1}""").Replace("\"event\"", "\"rebuild\"", StringComparison.Ordinal)}}],"message_type":"rebuild"}"""]
            : [OldBus.Receipt(Checksum.Compute("""{"Amount":2}"""u8)).Replace("success", "inconsistent", StringComparison.Ordinal)]);
        await using var client = NewClient(bus);
        var fault = await Assert.ThrowsAsync<RequestFailedException>(() => client.UpdateAsync(
            async (unit, ct) =>
            {
                await unit.ReadAsync<Account>("k", ct);
                unit.Append("k", new Deposited(2m));
            },
            cancellationToken: Token));
        Assert.That(fault.Message, Does.Contain("options.Events"));
    }

    [Test]
    public async Task A_conflict_names_the_value_that_was_published()
    {
        await using var bus = await OldBus.StartAsync((_, _) => [OldBus.Receipt(Checksum.Compute("""{"Amount":1}"""u8)).Replace("success", "inconsistent", StringComparison.Ordinal)]);
        await using var client = NewClient(bus);
        var fault = await Assert.ThrowsAsync<SequenceConflictException>(() => client.PublishAsync(new Deposited(1m), Sequence.At("k", 7), cancellationToken: Token));
        Assert.That((fault.Value, fault.Expected, fault.Message), Is.EqualTo(((uint?)7, (uint?)null, "The value 7 of key 'k' is not due. Read again and decide anew.")));
    }

    [Test]
    public async Task A_key_that_is_too_long_is_refused_here_because_nobody_would_answer()
    {
        await using var bus = await OldBus.StartAsync((_, _) => []);
        await using var client = NewClient(bus);
        var fault = await Assert.ThrowsAsync<RequestFailedException>(() => client.PublishAsync(new Deposited(1m), new string('k', 513), cancellationToken: Token));
        Assert.That((fault.Code, bus.Count("new")), Is.EqualTo((ErrorCodes.InvalidMessage, 0)));
    }

    private static SequentClient NewClient(OldBus bus)
    {
        var options = new SequentOptions { Server = bus.Address, ReconnectDelayMax = TimeSpan.FromMilliseconds(100) };
        options.Events.Add<Deposited>();
        return new SequentClient(options);
    }
}
