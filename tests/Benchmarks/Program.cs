using System.Globalization;
using Sequent.Benchmarks;
using Sequent.Benchmarks.Against;

// Each prints a section in Markdown; `dotnet cake --target=BenchBus` collects them in docs/benchmarks-bus.md, the bank's is in docs/benchmarks-bank.md.
var folder = Directory.CreateTempSubdirectory("sequent-bench-").FullName;
try
{
    switch (args)
    {
        case ["start", var keys, var events]:
            await StartBenchmark.RunAsync(folder, int.Parse(keys, CultureInfo.InvariantCulture), int.Parse(events, CultureInfo.InvariantCulture));
            return 0;
        case ["handover"]:
            await HandoverBenchmark.RunAsync(folder);
            return 0;
        case ["sessions"]:
            await SessionsBenchmark.RunAsync(folder);
            return 0;
        case ["slow", .. var events] when events.Length <= 1:
            await SlowInstanceBenchmark.RunAsync(folder, events is [var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 60_000);
            return 0;
        case ["flood"]:
            await FloodBenchmark.RunAsync(folder);
            return 0;
        case ["garbage", var address, var version]:
            await FloodBenchmark.SendGarbageAsync(new Uri(address), version);
            return 0;
        case ["echo"]:
            await EchoServer.RunAsync();
            return 0;
        case ["compare", var rounds, .. var names]:
            await Comparison.RunAsync(int.Parse(rounds, CultureInfo.InvariantCulture), names);
            return 0;
        case ["rebuild", var rounds]:
            await Comparison.RebuildAsync(int.Parse(rounds, CultureInfo.InvariantCulture));
            return 0;
        case ["publish"]:
            PublishAllocation.Run();
            return 0;
        case ["connections", var png]:
            await Comparison.ConnectionsAsync(png);
            return 0;
        case ["grown", var events, var keys]:
            await Grown.RunAsync(int.Parse(events, CultureInfo.InvariantCulture), int.Parse(keys, CultureInfo.InvariantCulture));
            return 0;
        case ["steps"]:
            HotPaths.Run();
            return 0;
        case ["bank"]:
            await BankBenchmark.RunAsync(folder);
            return 0;
        default:
            Console.Error.WriteLine("usage: Benchmarks start KEYS EVENTS | handover | sessions | slow [EVENTS] | flood | publish | steps | bank | compare ROUNDS [NAME...] | rebuild ROUNDS | connections PNG | grown EVENTS KEYS");
            return 2;
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}
