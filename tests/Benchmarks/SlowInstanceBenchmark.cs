using System.Diagnostics;
using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>One instance is stuck: it reads nothing and acks nothing. What a healthy one and whoever publishes notice, compared with nobody stuck.</summary>
internal static class SlowInstanceBenchmark
{
    private const int Rounds = 3;
    private const int SingleEvents = 500;

    // More than the window of an instance that names none.
    private const int Filling = 600;

    private enum Stuck
    {
        Nobody,
        OfTheSameType,
        OfAnotherType,
    }

    public static async Task RunAsync(string folder, int events)
    {
        Console.WriteLine("## An instance that is stuck: reads nothing, acks nothing\n");
        // It answers no ping either, and must not be dropped for that while it is measured.
        await using var bus = await BusProcess.StartAsync(Path.Combine(folder, "slow.db"), "--keep-alive", "1h");
        await MeasureAsync(bus.Address, "warm", Stuck.Nobody, events / 4);
        var results = new Dictionary<Stuck, List<Result>>();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var stuck in Enum.GetValues<Stuck>())
            {
                if (!results.TryGetValue(stuck, out var measured))
                    results[stuck] = measured = [];
                measured.Add(await MeasureAsync(bus.Address, $"{stuck}{round}", stuck, events));
            }
        }

        var alone = Median(results[Stuck.Nobody]);
        foreach (var (stuck, name) in new[] { (Stuck.Nobody, "nobody"), (Stuck.OfTheSameType, "one of the same client type"), (Stuck.OfAnotherType, "one of another client type") })
        {
            var result = Median(results[stuck]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"- stuck: {name}: {result.Rate:N0} events/s published and acked by the healthy one ({result.Rate / alone.Rate:N2} times), from sending one event to having it {result.Delay:N2} ms median ({result.Delay / alone.Delay:N2} times)"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nMedians of {Rounds} rounds, {events:N0} events in each.\n"));
    }

    private static async Task<Result> MeasureAsync(Uri address, string name, Stuck stuck, int events)
    {
        await using var healthy = await RegisterAsync(address, name);
        await using var stuckOne = stuck == Stuck.Nobody ? null : await RegisterAsync(address, stuck == Stuck.OfTheSameType ? name : $"{name}-other");
        await FillAsync(address, name, healthy, ownShare: stuck == Stuck.OfTheSameType ? Filling - 256 : Filling);

        var clock = Stopwatch.StartNew();
        var consuming = ConsumeAsync(healthy, events);
        await Load.PublishAsync(address, Enumerable.Range(0, events).Select(i => $"{name}-{i}"), perMessage: 20, window: 50);
        await consuming;
        var rate = events / clock.Elapsed.TotalSeconds;
        return new Result(rate, await MeasureDelayAsync(address, name, healthy));
    }

    /// <summary>Until the window of the stuck one is full.</summary>
    private static async Task FillAsync(Uri address, string name, Socket healthy, int ownShare)
    {
        var consuming = ConsumeAsync(healthy, ownShare);
        await Load.PublishAsync(address, Enumerable.Range(0, Filling).Select(i => $"{name}-filling-{i}"), perMessage: 20, window: 1);
        await consuming;
    }

    private static async Task ConsumeAsync(Socket instance, int events)
    {
        for (var received = 0; received < events;)
            received += await AckNextAsync(instance);
    }

    /// <summary>In milliseconds, the median.</summary>
    private static async Task<double> MeasureDelayAsync(Uri address, string name, Socket instance)
    {
        await using var producer = await Socket.ConnectAsync(address);
        var delays = new List<double>(SingleEvents);
        for (var i = 0; i < SingleEvents; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await producer.SendAsync(new NewMessage([Load.Event($"{name}-single-{i}")]));
            await AckNextAsync(instance);
            delays.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await producer.ReceiveAsync<ReceiptMessage>();
        }

        return delays.Order().ElementAt(SingleEvents / 2);
    }

    private static async Task<int> AckNextAsync(Socket instance)
    {
        var message = await instance.ReceiveAsync<EventsMessage>();
        await instance.SendAsync(new AckMessage { UpTo = message.Events[^1].Delivery });
        return message.Events.Count;
    }

    private static async Task<Socket> RegisterAsync(Uri address, string clientType)
    {
        var socket = await Socket.ConnectAsync(address);
        await socket.SendAsync(new RegisterMessage(clientType, ["*"]));
        await socket.ReceiveAsync<RegistrationMessage>();
        return socket;
    }

    private static Result Median(List<Result> results) =>
        new(results.Select(r => r.Rate).Order().ElementAt(results.Count / 2), results.Select(r => r.Delay).Order().ElementAt(results.Count / 2));

    private readonly record struct Result(double Rate, double Delay);
}
