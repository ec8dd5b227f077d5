using System.Diagnostics;
using System.Globalization;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>An instance is gone: how long until another one has what it held.</summary>
internal static class HandoverBenchmark
{
    private const int Rounds = 50;
    private const int Keys = 10;
    private const int EventsPerKey = 10;

    public static async Task RunAsync(string folder)
    {
        Console.WriteLine("## Hand-over: 100 unacked events of 10 keys at an instance that is gone\n");
        await using var bus = await BusProcess.StartAsync(Path.Combine(folder, "handover.db"));
        foreach (var (name, end) in new (string, Func<Socket, Task>)[] { ("closed", socket => socket.CloseAsync()), ("reset", AbortAsync) })
        {
            var times = new List<double>();
            for (var round = 0; round < Rounds; round++)
                times.Add(await RunRoundAsync(bus.Address, $"{name}-{round}", end));
            times.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- socket {name}: all at the other instance, in order, after {times[Rounds / 2]:N1} ms median, {times[^1]:N1} ms at most ({Rounds} rounds)"));
        }

        Console.WriteLine();
    }

    private static Task AbortAsync(Socket socket)
    {
        socket.Abort();
        return Task.CompletedTask;
    }

    private static async Task<double> RunRoundAsync(Uri address, string clientType, Func<Socket, Task> end)
    {
        await using var producer = await Socket.ConnectAsync(address);
        await using var first = await RegisterAsync(address, clientType);
        await producer.SendAsync(new NewMessage([.. Enumerable.Range(0, Keys * EventsPerKey).Select(i => Load.Event($"{clientType}-{i % Keys}"))]));
        var held = await ReceiveAsync(first);
        await using var second = await RegisterAsync(address, clientType);
        var clock = Stopwatch.StartNew();
        await end(first);
        var moved = await ReceiveAsync(second);
        var time = clock.Elapsed.TotalMilliseconds;
        foreach (var key in moved.GroupBy(e => e.Event.Key))
        {
            if (!key.Select(e => e.Event.Value).SequenceEqual(held.Where(e => e.Event.Key == key.Key).Select(e => e.Event.Value)))
                throw new InvalidOperationException("The events came in another order.");
        }

        // Settled, so that the next round finds nothing of this one.
        await second.SendAsync(new AckMessage { UpTo = moved[^1].Delivery });
        return time;
    }

    private static async Task<Socket> RegisterAsync(Uri address, string clientType)
    {
        var socket = await Socket.ConnectAsync(address);
        await socket.SendAsync(new RegisterMessage(clientType, ["*"]));
        await socket.ReceiveAsync<RegistrationMessage>();
        return socket;
    }

    private static async Task<List<DeliveredEvent>> ReceiveAsync(Socket socket)
    {
        var events = new List<DeliveredEvent>();
        while (events.Count < Keys * EventsPerKey)
            events.AddRange((await socket.ReceiveAsync<EventsMessage>()).Events);
        return events;
    }
}
