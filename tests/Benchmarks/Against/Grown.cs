using System.Globalization;
using Sequent.Cli.Bench;

namespace Sequent.Benchmarks.Against;

/// <summary>What it costs that a log has become large: publishing to a bus with many events and keys and to one with none, in turn.</summary>
internal static class Grown
{
    private const int Rounds = 3;

    /// <summary>A stored event of 256 bytes takes about so much of the disk, in bytes, journal and indexes included.</summary>
    private const int BytesOnDisk = 700;

    /// <param name="events">How many the large log has.</param>
    /// <param name="keys">Under how many keys.</param>
    public static async Task RunAsync(int events, int keys)
    {
        Check(events);
        var fill = new BenchPlan { Load = "batch", Batch = 500, Window = 16, Keys = keys, KeyPrefix = "grown", Events = events, Duration = TimeSpan.FromHours(2), Warmup = TimeSpan.Zero };
        var publish = new BenchPlan { Load = "publish", Keys = keys, KeyPrefix = "grown", Duration = TimeSpan.FromSeconds(8), Warmup = TimeSpan.FromSeconds(12) };
        await using var large = await BenchBus.StartAsync("full", default);
        await FillAsync(fill with { Server = large.Address });
        var size = large.StoredBytes;

        List<(double Large, double Empty)> pairs = [];
        for (var round = 0; round < Rounds; round++)
        {
            await using var empty = await BenchBus.StartAsync("full", default);
            Uri[] inTurn = round % 2 == 0 ? [large.Address, empty.Address] : [empty.Address, large.Address];
            Dictionary<Uri, double> rates = [];
            foreach (var bus in inTurn)
                rates[bus] = (await BenchRun.RunAsync(publish with { Server = bus }, Console.Error.WriteLine, default)).EventsPerSecond;
            pairs.Add((rates[large.Address], rates[empty.Address]));
        }

        Console.WriteLine(Text($"## Publishing when {events:N0} events under {keys:N0} keys are stored\n"));
        Console.WriteLine(Text($"SDK `PublishAsync`, {publish.Window:N0} in flight, events of {publish.Size} bytes, keys uniform over {keys:N0}; {publish.Duration.TotalSeconds} s after {publish.Warmup.TotalSeconds} s of warm-up, {Rounds} pairs, each other time the empty one first. The empty log gets its keys meanwhile; the large one has them. The large log has {size / 1e9:N1} GB, its bus {large.ResidentBytes / 1e6:N0} MB of memory.\n"));
        Console.WriteLine("| pair | large, events/s | empty, events/s | ratio |\n| ---: | ---: | ---: | ---: |");
        foreach (var (pair, i) in pairs.Select((p, i) => (p, i)))
            Console.WriteLine(Text($"| {i + 1} | {pair.Large:N0} | {pair.Empty:N0} | {pair.Large / pair.Empty:N2} |"));
        Console.WriteLine(Text($"\n- Median ratio: {pairs.Select(p => p.Large / p.Empty).Order().ElementAt(Rounds / 2):N2}"));
    }

    private static async Task FillAsync(BenchPlan plan)
    {
        using var enough = new CancellationTokenSource();
        await using var load = new Cli.Bench.Loads.SdkPublish(plan);
        await load.PrepareAsync(plan.Server!, default);
        var meter = new Meter();
        var filling = load.RunAsync(meter, enough.Token);
        while (meter.All < plan.Events && !filling.IsCompleted)
        {
            await Task.WhenAny(filling, Task.Delay(1_000));
            await Console.Error.WriteLineAsync(Text($"filling: {meter.All:N0} of {plan.Events:N0}"));
        }

        await enough.CancelAsync();
        await filling;
    }

    private static void Check(int events)
    {
        var needed = (long)events * BytesOnDisk;
        var free = new DriveInfo(Path.GetTempPath()).AvailableFreeSpace;
        if (free < needed)
            throw new InvalidOperationException(Text($"This needs {needed / 1e9:N0} GB of {Path.GetTempPath()}, which has {free / 1e9:N0} GB left. Set TMPDIR to a folder on a larger disk."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
