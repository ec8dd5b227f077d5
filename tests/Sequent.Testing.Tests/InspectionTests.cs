using System.Text.Json;
using Microsoft.Extensions.Options;
using Sequent.Client;

namespace Sequent.Testing.Tests;

public class InspectionTests : BusTest
{
    [Test]
    public async Task What_was_published_is_found_in_log_order_by_key_and_by_type()
    {
        await using var bus = await StartBusAsync();
        await bus.PublishAsync(new Deposited(1m), "acc-7");
        await bus.PublishAsync(new Deposited(2m), "acc-8");
        await bus.PublishAsync(new WithdrawalRequested(3m), Sequence.At("acc-7", 1));

        Assert.That((await bus.EventsAsync()).Select(e => e.Position), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That((await bus.EventsAsync("acc-7")).Select(e => e.Data), Is.EqualTo(new object[] { new Deposited(1m), new WithdrawalRequested(3m) }));
        Assert.That((await bus.EventsAsync(type: "withdrawal.requested")).Single().Value, Is.EqualTo(1));
        Assert.That(await bus.EventsAsync("acc-8", "withdrawal.requested"), Is.Empty);
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m), new Deposited(2m) }));
        Assert.That(await bus.PublishedAsync<Deposited>("acc-8"), Is.EqualTo(new[] { new Deposited(2m) }));
    }

    [Test]
    public async Task Data_is_read_as_the_type_that_any_client_of_the_bus_knows_for_it()
    {
        await using var bus = await SequentTestBus.StartAsync();
        await using var publisher = new SequentClient(bus.Address.ToString());
        await publisher.PublishAsync(new Deposited(1m), "acc-7", cancellationToken: Token);

        Assert.That((await bus.EventsAsync()).Single().Data, Is.TypeOf<JsonElement>());
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m) }));

        await using var client = bus.CreateClient("accounts", o => o.Events.Add<Deposited>());
        Assert.That((await bus.EventsAsync()).Single().Data, Is.EqualTo(new Deposited(1m)));
    }

    [Test]
    public async Task How_types_are_turned_into_json_is_said_once_for_all_clients()
    {
        await using var bus = await SequentTestBus.StartAsync(new SequentTestBusOptions { ConfigureClients = o => o.Json = new JsonSerializerOptions(JsonSerializerDefaults.Web) });
        await bus.PublishAsync(new Deposited(1m), "acc-7");

        Assert.That((await bus.EventsAsync()).Single().Json.ToArray(), Is.EqualTo("""{"amount":1}"""u8.ToArray()));
        Assert.That(await bus.PublishedAsync<Deposited>(), Is.EqualTo(new[] { new Deposited(1m) }));
    }

    [Test]
    public async Task Dead_letters_tell_the_event_the_reason_and_the_attempts()
    {
        await using var bus = await StartBusAsync(configure: o => o.Bus.MaxDeliveries = 2);
        await using var service = await HandleDepositsAsync(bus, _ => throw new InvalidOperationException("always"));
        await bus.PublishAsync(new Deposited(1m), "acc-7");

        await bus.WaitUntilSettledAsync("accounts", Token);

        var letter = (await bus.DeadLettersAsync("accounts")).Single();
        Assert.That((letter.Position, letter.Event.Data, letter.Reason, letter.Attempts), Is.EqualTo((1L, new Deposited(1m), nameof(InvalidOperationException), 2)));
        Assert.That(letter.Time, Is.EqualTo(bus.Time.GetUtcNow()).Within(TimeSpan.FromMinutes(1)));
        Assert.That(await bus.DeadLettersAsync("nobody"), Is.Empty);
    }

    [Test]
    public async Task Options_that_cannot_work_are_named()
    {
        await Assert.ThatAsync(() => StartBusAsync(patience: TimeSpan.Zero), Throws.TypeOf<OptionsValidationException>().With.Message.Contains("Patience is 00:00:00"));
        await using var bus = await StartBusAsync();
        Assert.That(() => bus.Patience = TimeSpan.FromHours(2), Throws.TypeOf<ArgumentOutOfRangeException>());
        await Assert.ThatAsync(() => StartBusAsync(configure: o => o.Bus.MaxDeliveries = 0), Throws.TypeOf<OptionsValidationException>().With.Message.Contains("MaxDeliveries is 0"));
    }
}
