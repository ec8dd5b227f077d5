using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Sequent.Client;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/events.md.</summary>
public sealed class EventTests : GuideTest
{
    [Test]
    public async Task Names_and_JSON()
    {
        var client = Bus.CreateClient(configure: options =>
        {
            options.Events.Add<OrderPaid>().Add<Deposited>();

            options.Json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        });
        await client.PublishAsync(new OrderPaid("o-1", 5m), "o-1");
        var e = (await Bus.EventsAsync("o-1"))[0];
        Assert.That((e.EventType, System.Text.Encoding.UTF8.GetString(e.Json.Span)), Is.EqualTo(("order-paid", """{"orderId":"o-1","amount":5}""")));
    }

    [Test]
    public async Task Source_generated_metadata()
    {
        var client = Bus.CreateClient(configure: options =>
        {
            options.Json = ShopJson.Default.Options;
            options.Events.Add<OrderPaid>();
        });
        await client.PublishAsync(new OrderPaid("o-1", 5m), "o-1");

        var other = Bus.CreateClient(configure: options =>
        {
            options.Events.Add(ShopJson.Default.OrderPaid);
        });
        await other.PublishAsync(new OrderPaid("o-2", 5m), "o-2");

        Assert.That(await client.QueryAsync(new EventQuery()).Select(e => e.Data).ToListAsync(), Is.EqualTo(new[] { new OrderPaid("o-1", 5m), new OrderPaid("o-2", 5m) }));
    }

    [Test]
    public async Task Events_of_former_shapes_and_names()
    {
        await Bus.PublishAsync(new Old.Paid(5m), "o-1");
        await Bus.PublishAsync(new Old.Payment(6m), "o-1");
        var client = Bus.CreateClient(configure: options =>
        {
            options.Events.Upcast<Paid>("Paid", data =>
            {
                data["Currency"] ??= "EUR";
                return data;
            });
            options.Events.Upcast<Paid>("Payment", data =>
            {
                data["Currency"] ??= "EUR";
                return data;
            });
        });
        await client.PublishAsync(new Paid(7m, "GBP"), "o-1");

        Assert.That(await client.QueryAsync(new EventQuery()).Select(e => e.Data).ToListAsync(), Is.EqualTo(new[] { new Paid(5m, "EUR"), new Paid(6m, "EUR"), new Paid(7m, "GBP") }));
    }

    [Test]
    public async Task Types_nobody_knows()
    {
        await Bus.PublishAsync(new Old.Payment(6m), "o-1");
        var client = Client;

        await foreach (RecordedEvent e in client.QueryAsync(new EventQuery { Keys = ["o-1"] }))
        {
            if (e.Data is JsonElement json)
                Console.WriteLine($"{e.EventType}, which this program does not know: {json.GetRawText()}");
        }

        await Assert.ThatAsync(() => client.ReadAsync<Strict>("o-1"), Throws.InvalidOperationException.With.Message.Contains("options.Events.Add<Payment>()"));
        Assert.That((await client.ReadAsync<Lenient>("o-1")).State.Balance, Is.Zero);
    }

    [Test]
    public async Task In_a_host()
    {
        await using var service = await Bus.StartServiceAsync("accounts", s => s.AddEvent<OrderPaid>(), options => options.Json = ShopJson.Default.Options);
        Assert.That(service.Services.GetRequiredService<ISequentClient>(), Is.Not.Null);
        await Assert.ThatAsync(
            async () => await Bus.StartServiceAsync("others", s => s.AddEvent<Deposited>(), options => options.Json = ShopJson.Default.Options),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("JsonSerializable(typeof(Deposited))"));
    }

    public sealed record Strict(decimal Balance) : IState<Strict>
    {
        public static Strict Initial => new(0m);

        public static Strict Apply(Strict state, RecordedEvent e) => e.Data is Deposited d ? new(state.Balance + d.Amount) : state;
    }

    public sealed record Lenient(decimal Balance) : IState<Lenient>
    {
        public static Lenient Initial => new(0m);

        public static Lenient Apply(Lenient state, RecordedEvent e) => e.EventType switch
        {
            "Deposited" => new(state.Balance + ((Deposited)e.Data).Amount),
            _ => state,
        };
    }

    private static class Old
    {
        public sealed record Paid(decimal Amount);

        public sealed record Payment(decimal Amount);
    }
}

[EventType("order-paid")]
public sealed record OrderPaid(string OrderId, decimal Amount);

public sealed record Paid(decimal Amount, string Currency);

[JsonSerializable(typeof(OrderPaid))]
internal sealed partial class ShopJson : JsonSerializerContext;
