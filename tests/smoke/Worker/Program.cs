// A small worker of everything that has to survive trimming and ahead-of-time compilation: hosting, a unit, a handler that reads and appends, a
// projection, JSON by source generation. build.cake publishes it both ways from the packages, runs it, and checks the last line.
using Sequent.Client;
using Worker;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddSequent(builder.Configuration.GetSection("Sequent"), o =>
    {
        o.Json = WorkerJson.Default.Options;
        o.ClientType = "orders";
        o.Start = Start.Earliest;
    })
    .AddHandler<OrderHandler, OrderPlaced>()
    .AddEvent<Delivered>().AddEvent<Taken>().AddEvent<OrderConfirmed>()
    .AddProjection<ConfirmedOrders>()
    .AddHealthCheck();
using var host = builder.Build();
await host.StartAsync();

var client = host.Services.GetRequiredService<ISequentClient>();
await client.UpdateAsync(async (unit, ct) =>
{
    var stock = await unit.ReadAsync<Stock>("apples", ct);
    if (stock.Count < 10)
        unit.Append("apples", new Delivered(10 - stock.Count));
});
await client.PublishAsync(new OrderPlaced("apples", 3), "order-1");

var confirmed = await host.Services.GetRequiredService<ConfirmedOrders>().First.WaitAsync(TimeSpan.FromMinutes(1));
var left = (await client.ReadAsync<Stock>("apples")).State.Count;
await host.StopAsync();
Console.WriteLine($"{confirmed} is confirmed, {left} apples are left");
