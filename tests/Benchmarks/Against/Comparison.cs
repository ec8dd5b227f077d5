using System.Globalization;
using Sequent.Cli.Bench;
using Sequent.Cli.Bench.Loads;

namespace Sequent.Benchmarks.Against;

/// <summary>
/// Sequent beside the limits of what it stands on and beside what one might pick instead, in turn: A, B, A, B. What counts are the ratios of the pairs, because
/// both halves of a pair met the same machine.
/// </summary>
internal static class Comparison
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    /// <summary>Until what is compiled for good is compiled, which takes 20 s on two cores that are busy, and longer when they are slow.</summary>
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(30);

    private static readonly BenchPlan Sdk = new() { Load = "publish", Duration = Duration, Warmup = Warmup };
    private static readonly BenchPlan ByHand = Sdk with { Wire = Wire.V1 };
    private static readonly BenchPlan OneByOne = Sdk with { Window = 1 };
    private static readonly BenchPlan Delivered = Sdk with { Load = "deliver", Instances = 8 };

    /// <param name="rounds">How often each is measured.</param>
    /// <param name="names">Which, by their names for ratios; none: all.</param>
    public static async Task RunAsync(int rounds, string[] names)
    {
        Console.WriteLine($"## Beside the wire, the store and Redis\n\nEach measured {rounds} times, in turn, {Duration.TotalSeconds} s each after {Warmup.TotalSeconds} s of warm-up; events of {Sdk.Size} bytes under {Sdk.Keys:N0} keys, fsync on. Medians, and the spread from least to most.\n");
        Subject[] subjects =
        [
            new("echo", "bare Kestrel WebSocket echo of the same messages, one write each, 1,000 in flight", () => new EchoLoad(ByHand), ByHand),
            new("v1", "v1 by hand, one event a message, 1,000 in flight", null, ByHand),
            new("store", "the store alone, 500 a commit", () => new StoreLoad(Sdk with { Batch = 500 }), Sdk with { Batch = 500 }),
            new("sdk", "SDK PublishAsync, 1,000 in flight", null, Sdk),
            .. RedisLoad.IsThere ? [new Subject("redis", "Redis compare-and-append, 1,000 in flight", () => new RedisLoad(Sdk), Sdk)] : Array.Empty<Subject>(),
            new("commit", "the store alone, one event a commit", () => new StoreLoad(OneByOne), OneByOne),
            new("sdk-1", "SDK PublishAsync, one at a time", null, OneByOne),
            .. RedisLoad.IsThere ? [new Subject("redis-1", "Redis compare-and-append, one at a time", () => new RedisLoad(OneByOne), OneByOne)] : Array.Empty<Subject>(),
            new("deliver", "publish to acked, 8 instances, 1,000 under way", null, Delivered),
            new("deliver-5k", "publish to acked, 8 instances, 5,000/s offered", null, Delivered with { Rate = 5_000 }),
            new("follow", "publish and follow, 1,000 in flight", null, Sdk with { Load = "follow" }),
        ];
        if (!RedisLoad.IsThere)
            Console.WriteLine("Redis is left out: it is not installed (apt-get install redis-server).\n");
        if (names.Except(subjects.Select(s => s.Name)).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"There is no '{unknown}' to compare; there are {string.Join(", ", subjects.Select(s => s.Name))}.", nameof(names));
        if (names.Length > 0)
            subjects = [.. subjects.Where(s => names.Contains(s.Name))];
        var results = subjects.ToDictionary(s => s.Name, _ => new List<Measurement>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var subject in subjects)
                results[subject.Name].Add(await MeasureAsync(subject));
        }

        Print(subjects, results);
    }

    /// <summary>Prints how the memory of the bus and the speed of a rebuild are.</summary>
    /// <param name="rounds">How often it is measured, each time on a bus and a log of its own.</param>
    public static async Task RebuildAsync(int rounds)
    {
        Console.WriteLine("## Rebuild of 1,000,000 events into typed events in a .NET client\n");
        var measurements = new List<Measurement>();
        for (var round = 0; round < rounds; round++)
            measurements.Add(await BenchRun.RunAsync(new BenchPlan { Load = "rebuild", Duration = Duration * 2, Warmup = Warmup }, Console.Error.WriteLine, default));
        var rates = measurements.ConvertAll(m => m.EventsPerSecond);
        Console.WriteLine(Text($"Median of {rounds}: {Median(rates):N0} events/s ({rates.Min():N0} to {rates.Max():N0}).\n"));
        Console.WriteLine(BenchReport.Table(measurements));
    }

    /// <summary>Publishes over more and more connections, with as much in flight over all of them together.</summary>
    /// <param name="png">Where it is drawn.</param>
    public static async Task ConnectionsAsync(string png)
    {
        var measurements = new List<Measurement>();
        foreach (var plan in BenchCommand.SessionPlans(Sdk))
            measurements.Add(await BenchRun.RunAsync(plan, Console.Error.WriteLine, default));
        BenchPlot.Save(measurements, png);
        Console.WriteLine($"## By connections\n\nv2 by hand, one event a message, {Sdk.Window:N0} in flight over all connections together.\n");
        Console.WriteLine($"{BenchReport.Table(measurements)}\n\n![Events a second by connections](benchmarks/{Path.GetFileName(png)})");
    }

    private static async Task<Measurement> MeasureAsync(Subject subject)
    {
        if (subject.Create is null)
            return await BenchRun.RunAsync(subject.Plan, Console.Error.WriteLine, default);
        await using var load = subject.Create();
        await load.PrepareAsync(new Uri("ws://localhost"), default);
        return await BenchRun.MeasureAsync(subject.Plan, load, line => Console.Error.WriteLine($"{subject.Name} {line}"), default);
    }

    private static void Print(Subject[] subjects, Dictionary<string, List<Measurement>> results)
    {
        Console.WriteLine("| what | events/s | spread | p50 ms | p99 ms |\n| --- | ---: | ---: | ---: | ---: |");
        foreach (var subject in subjects)
        {
            var all = results[subject.Name];
            var rates = all.ConvertAll(m => m.EventsPerSecond);
            Console.WriteLine(Text($"| {subject.What} | {Median(rates):N0} | {rates.Min():N0} to {rates.Max():N0} | {Median(all.ConvertAll(m => m.Milliseconds!.P50)):N2} | {Median(all.ConvertAll(m => m.Milliseconds!.P99)):N2} |"));
        }

        Console.WriteLine();
        Ratio("v1 by hand, of the echo's rate", "v1", "echo", m => m.EventsPerSecond);
        Ratio("v1 by hand, of Redis's rate", "v1", "redis", m => m.EventsPerSecond);
        Ratio("SDK, of Redis's rate", "sdk", "redis", m => m.EventsPerSecond);
        Ratio("SDK, of the store's rate", "sdk", "store", m => m.EventsPerSecond);
        Ratio("SDK p99 less 20 ms, of the p99 of a commit", "sdk", "commit", m => m.Milliseconds!.P99, less: 20);
        Ratio("SDK one at a time, p50 of Redis's", "sdk-1", "redis-1", m => m.Milliseconds!.P50);
        Ratio("publish to acked at 5,000/s, p99 less 10 ms, of the p99 of a commit", "deliver-5k", "commit", m => m.Milliseconds!.P99, less: 10);
        Ratio("follow, of the SDK's rate", "follow", "sdk", m => m.EventsPerSecond);

        void Ratio(string what, string one, string other, Func<Measurement, double> figure, double less = 0)
        {
            if (!results.TryGetValue(one, out var ones) || !results.TryGetValue(other, out var others))
                return;
            var ratios = ones.Zip(others, (a, b) => (figure(a) - less) / figure(b)).ToList();
            Console.WriteLine(Text($"- {what}: {Median(ratios):N2} ({ratios.Min():N2} to {ratios.Max():N2})"));
        }
    }

    private static double Median(List<double> numbers) => numbers.Order().ElementAt(numbers.Count / 2);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <param name="Name">For ratios.</param>
    /// <param name="What">For people.</param>
    /// <param name="Create">What is loaded instead of a bus.</param>
    /// <param name="Plan">How.</param>
    private sealed record Subject(string Name, string What, Func<ILoad>? Create, BenchPlan Plan);
}
