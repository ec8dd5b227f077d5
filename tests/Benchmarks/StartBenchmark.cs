using System.Diagnostics;
using System.Globalization;

namespace Sequent.Benchmarks;

/// <summary>A large log: how long a start takes, how much memory it costs, and how fast it takes events compared with an empty one.</summary>
internal static class StartBenchmark
{
    private const int Rounds = 5;

    public static async Task RunAsync(string folder, int keys, int events)
    {
        var file = Path.Combine(folder, "large.db");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"## A log of {keys:N0} keys and {events:N0} events of 256 bytes\n"));
        await using (var bus = await BusProcess.StartAsync(file))
        {
            var clock = Stopwatch.StartNew();
            var keysInTurn = Enumerable.Range(0, events).Select(i => $"account-{(int)((long)i * 7_919 % keys):d7}");
            await Load.PublishAsync(bus.Address, keysInTurn, perMessage: 500, window: 8);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- filled in {clock.Elapsed.TotalSeconds:N0} s, {new FileInfo(file).Length / 1e9:N1} GB"));
        }

        var everyTenth = Enumerable.Range(0, keys / 10).Select(i => $"account-{i * 10:d7}").ToArray();
        Random.Shared.Shuffle(everyTenth);
        var (starts, memories, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var empty = Path.Combine(folder, $"empty{round}.db");
            double rateEmpty, rateLarge;
            await using (var bus = await BusProcess.StartAsync(empty))
                rateEmpty = await Load.PublishAsync(bus.Address, everyTenth, perMessage: 1, window: 1_000);
            File.Delete(empty);
            await using (var bus = await BusProcess.StartAsync(file))
            {
                rateLarge = await Load.PublishAsync(bus.Address, everyTenth, perMessage: 1, window: 1_000);
                starts.Add(bus.StartTime.TotalSeconds);
                memories.Add(bus.ResidentMegabytes);
            }

            ratios.Add(rateLarge / rateEmpty);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"- round {round + 1}: ready after {starts[^1]:N2} s, {memories[^1]:N0} MB after a publish to every 10th key, {rateLarge:N0} events/s against {rateEmpty:N0} at an empty log"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nReady after {Median(starts):N2} s, {Median(memories):N0} MB, {Median(ratios):N2} of the rate of an empty log (medians of {Rounds}).\n"));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
