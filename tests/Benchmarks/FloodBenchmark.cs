using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>One client sends garbage as fast as it can: what another one notices.</summary>
internal static class FloodBenchmark
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(string folder)
    {
        Console.WriteLine("## One client sends garbage for 30 s, another one publishes one event at a time\n");
        await using var bus = await BusProcess.StartAsync(Path.Combine(folder, "flood.db"));
        await MeasureAsync(bus.Address, TimeSpan.FromSeconds(5)); // warm
        var alone = await MeasureAsync(bus.Address, Time);
        foreach (var version in new[] { "v1", "v2" })
        {
            // In a process of its own: the two clients do not wait for one another's garbage collector.
            var (garbage, _) = await Itself.StartAsync("garbage", bus.Address.ToString(), version);
            using var __ = garbage;
            var beside = await MeasureAsync(bus.Address, Time);
            if (garbage.HasExited)
                throw new InvalidOperationException("The garbage ended early.");
            garbage.Kill();
            await garbage.WaitForExitAsync();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- garbage over {version}: p99 {beside:N2} ms, {alone:N2} ms without: {beside / alone:N1} times"));
        }

        Console.WriteLine();
    }

    /// <summary>Sends garbage until the process is killed, and throws the answers away.</summary>
    public static async Task SendGarbageAsync(Uri address, string version)
    {
        using var socket = new ClientWebSocket();
        if (version == "v2")
            socket.Options.AddSubProtocol(WireNames.Subprotocol);
        await socket.ConnectAsync(address, default);
        Console.WriteLine("begun");
        var reading = Task.Run(async () =>
        {
            var buffer = new byte[64 * 1024];
            while (true)
                await socket.ReceiveAsync(buffer, default);
        });
        var text = """{"message_type":"new","events":[{"consistency":{"key":"k","value":"nonsense"},"correlation_id":1,"data":{},"event_type":"t"}]}"""u8.ToArray();
        while (!reading.IsCompleted)
            await socket.SendAsync(text, WebSocketMessageType.Text, true, default);
    }

    /// <summary>The 99th percentile, in milliseconds.</summary>
    private static async Task<double> MeasureAsync(Uri address, TimeSpan time)
    {
        await using var socket = await Socket.ConnectAsync(address);
        var times = new List<double>();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < time;)
        {
            var start = Stopwatch.GetTimestamp();
            await socket.SendAsync(new NewMessage([Load.Event("k")]));
            await socket.ReceiveAsync<ReceiptMessage>();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        return times[(int)(times.Count * 0.99)];
    }
}
