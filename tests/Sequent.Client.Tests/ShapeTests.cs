using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

/// <summary>Events in shapes that today's types do not have: older ones, and those nobody has a type for.</summary>
internal sealed partial class ShapeTests : HostTest
{
    [Test]
    public async Task Old_shapes_of_a_name_and_old_names_are_read_as_todays_type()
    {
        await PublishAsync(new FirstPaid("1.50"));
        await PublishAsync(new Payment(2));
        var client = NewClient(o => o.Events
            .Upcast<Paid>("Paid", data =>
            {
                if (data["Currency"] is null)
                    (data["Amount"], data["Currency"]) = (decimal.Parse((string)data["amount"]!, CultureInfo.InvariantCulture), "EUR");
                return data;
            })
            .Upcast<Paid>("payment", data => new JsonObject { ["Amount"] = (decimal)data["sum"]!, ["Currency"] = "USD" }));
        await client.PublishAsync(new Paid(3m, "CHF"), "k", cancellationToken: Token);

        var events = await client.QueryAsync(new EventQuery { Keys = ["k"] }, Token).ToListAsync(Token);

        Assert.That(events.Select(e => e.Data), Is.EqualTo(new[] { new Paid(1.5m, "EUR"), new Paid(2m, "USD"), new Paid(3m, "CHF") }));
        Assert.That(events.Select(e => e.EventType), Is.EqualTo(new[] { "Paid", "payment", "Paid" }), "what is stored stays as it is");
    }

    [Test]
    public async Task A_handler_takes_every_name_its_type_ever_had()
    {
        await PublishAsync(new Payment(2));
        await PublishAsync(new Paid(3m, "EUR"));
        var seen = new ConcurrentQueue<Paid>();
        await StartHostAsync(
            b =>
            {
                b.Services.AddSingleton(seen);
                b.AddHandler<PaidHandler, Paid>();
            },
            o => o.Events.Upcast<Paid>("payment", data => new JsonObject { ["Amount"] = (decimal)data["sum"]!, ["Currency"] = "USD" }));
        await UntilAsync(() => seen.Count == 2, "both are handled");
        Assert.That(seen, Is.EqualTo(new[] { new Paid(2m, "USD"), new Paid(3m, "EUR") }));
    }

    [Test]
    public async Task An_upcaster_that_fails_names_the_event()
    {
        await PublishAsync(new FirstPaid("3"));
        var client = NewClient(o => o.Events.Upcast<Paid>("Paid", _ => throw new FormatException("no currency")));
        var e = (await client.QueryAsync(new EventQuery { Keys = ["k"] }, Token).ToListAsync(Token)).Single();
        var fault = Assert.Throws<JsonException>(() => _ = e.Data);
        Assert.That((fault.Message, fault.InnerException!.Message, fault.InnerException.InnerException!.Message), Is.EqualTo(($"The data of Paid k/0 at 1 cannot be read as {typeof(Paid)}.", "The upcaster of Paid failed.", "no currency")));
    }

    [Test]
    public void A_name_has_one_type_and_one_upcaster()
    {
        var events = new EventCatalog().Add<Deposited>().Upcast<Paid>("payment", data => data);
        Assert.That(() => events.Upcast<Paid>("Deposited", data => data), Throws.InvalidOperationException.With.Message.Contains("'Deposited' is taken by"));
        Assert.That(() => events.Upcast<Paid>("payment", data => data), Throws.InvalidOperationException.With.Message.EqualTo("The event name 'payment' has an upcaster already."));
    }

    [Test]
    public async Task A_former_name_has_the_json_metadata_of_its_type_in_whichever_order_they_are_added()
    {
        await PublishAsync(new Payment(2));
        var client = NewClient(o => o.Events.Upcast<Paid>("payment", data => new JsonObject { ["amount"] = (decimal)data["sum"]!, ["currency"] = "USD" }).Add(WebJson.Paid));
        Assert.That((await client.QueryAsync(new EventQuery { Keys = ["k"] }, Token).ToListAsync(Token)).Single().Data, Is.EqualTo(new Paid(2m, "USD")));
    }

    [TestCase("*")]
    [TestCase("")]
    public void A_raw_handler_names_types_or_nothing(string name) =>
        Assert.That(() => NewHost(b => b.AddRawHandler<RawHandler>(name)), Throws.ArgumentException.With.Message.Contains("give no names"));

    [Test]
    public void A_handler_of_json_is_a_raw_one() =>
        Assert.That(() => NewHost(b => b.AddHandler<RawHandler, JsonElement>()), Throws.InvalidOperationException.With.Message.Contains("AddRawHandler"));

    [Test]
    public async Task Raw_handlers_take_what_this_program_has_no_type_for()
    {
        await PublishAsync(new Unheard(1));
        await PublishAsync(new Another(2));
        await Client.PublishAsync(new Deposited(3m), "k", cancellationToken: Token);
        await Client.PublishAsync(new Withdrawn(4m), "k", cancellationToken: Token);
        var seen = new ConcurrentQueue<string>();
        await StartHostAsync(b =>
        {
            b.Services.AddSingleton(seen);
            b.AddRawHandler<RawHandler>("Unheard").AddRawHandler<RestHandler>().AddHandler<DepositedHandler, Deposited>().AddEvent<Withdrawn>();
        });
        await UntilAsync(() => seen.Count == 4, "all are handled");
        Assert.That(seen, Is.EqualTo(new[] { """raw Unheard {"Of":1}""", """rest Another {"Of":2}""", "typed 3", """rest Withdrawn {"Amount":4}""" }), "in order, also the one that has a type and no handler");
    }

    [Test]
    public async Task Two_handlers_of_one_event_type_fail_at_the_start()
    {
        async Task<string> FaultAsync(Action<SequentBuilder> add) => (await ThrownByAsync<InvalidOperationException>(() => NewHost(add).StartAsync(Token))).Message;
        Assert.That(
            await FaultAsync(b => b.AddHandler<DepositedHandler, Deposited>().AddRawHandler<RawHandler>("Deposited")),
            Is.EqualTo($"Deposited is handled by {typeof(DepositedHandler)} already; {typeof(RawHandler)} cannot handle it too. Let one handler do both, or give the second a client type of its own."));
        Assert.That(await FaultAsync(b => b.AddRawHandler<RawHandler>().AddRawHandler<RestHandler>()), Does.StartWith("What no other handler takes is handled by"));
    }

    [Test]
    public async Task A_type_without_json_metadata_is_refused_with_the_remedy()
    {
        var client = NewClient(o => o.Json = ShapeJson.Default.Options);
        await client.PublishAsync(new Paid(1m, "EUR"), "k", cancellationToken: Token);
        var fault = await ThrownByAsync<NotSupportedException>(() => client.PublishAsync(new Unlisted(1), "k", cancellationToken: Token));
        Assert.That(fault.Message, Does.StartWith($"There is no JSON metadata for {typeof(Unlisted)}").And.Contains("[JsonSerializable(typeof(Unlisted))]"));
        Assert.That(await ThrownByAsync<NotSupportedException>(() => NewHost(b => b.AddEvent<Unlisted>(), o => o.Json = ShapeJson.Default.Options).StartAsync(Token)), Has.Message.Contains("Unlisted"));
    }

    /// <summary>Publishes what another program has a type for.</summary>
    private async Task PublishAsync(object data)
    {
        await using var other = Bus.CreateClient();
        await other.PublishAsync(data, "k", cancellationToken: Token);
    }

    [EventType("Paid")]
    internal sealed record FirstPaid([property: JsonPropertyName("amount")] string Amount);

    [EventType("payment")]
    internal sealed record Payment([property: JsonPropertyName("sum")] int Sum);

    internal sealed record Unheard(int Of);

    internal sealed record Another(int Of);

    internal sealed record Paid(decimal Amount, string Currency);

    internal sealed record Unlisted(int Number);

    [JsonSerializable(typeof(Paid))]
    [JsonSerializable(typeof(Deposited))]
    [JsonSerializable(typeof(Withdrawn))]
    [JsonSerializable(typeof(Renamed))]
    private sealed partial class ShapeJson : JsonSerializerContext;

    /// <summary>Metadata by which only its own JSON can be read.</summary>
    private static readonly ShapeJson WebJson = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase });

    internal sealed class PaidHandler(ConcurrentQueue<Paid> seen) : IEventHandler<Paid>
    {
        public Task HandleAsync(EventContext<Paid> context, CancellationToken cancellationToken)
        {
            seen.Enqueue(context.Data);
            return Task.CompletedTask;
        }
    }

    internal sealed class DepositedHandler(ConcurrentQueue<string> seen) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken)
        {
            seen.Enqueue($"typed {context.Data.Amount}");
            return Task.CompletedTask;
        }
    }

    internal class RawHandler(ConcurrentQueue<string> seen) : IEventHandler<JsonElement>
    {
        protected virtual string Name => "raw";

        public Task HandleAsync(EventContext<JsonElement> context, CancellationToken cancellationToken)
        {
            seen.Enqueue($"{Name} {context.Event.EventType} {context.Data.GetRawText()}");
            return Task.CompletedTask;
        }
    }

    internal sealed class RestHandler(ConcurrentQueue<string> seen) : RawHandler(seen)
    {
        protected override string Name => "rest";
    }
}
