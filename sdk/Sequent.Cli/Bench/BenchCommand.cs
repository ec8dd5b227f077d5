using System.CommandLine;
using System.Globalization;
using Sequent.Cli.Bench.Loads;
using Sequent.Client;

namespace Sequent.Cli.Bench;

/// <summary><c>sequent bench</c>: loads a bus and tells what it does.</summary>
internal static class BenchCommand
{
    private const int MaxConnections = 10_000;
    private const int MaxWindow = 1_000_000;

    private static readonly string[] LoadNames = ["publish", "batch", "unit", "deliver", "rebuild", "follow", "sessions"];

    /// <summary>What <c>sessions</c> goes through.</summary>
    private static readonly int[] Sessions = [1, 10, 100, 1_000];

    private static readonly Argument<string> Load = new("load") { Description = "publish, batch (several events a call), unit (read a key, append one event), deliver (publish to acked), rebuild, follow, or sessions (publish over 1, 10, 100 and 1,000 connections)" };
    private static readonly Option<Uri?> Server = new("--server") { Description = "A running bus, such as ws://localhost:8081; the events stay in its log. Without it one is started on a log of its own", CustomParser = ReadUri };
    private static readonly Option<Wire> WireOption = new("--wire") { Description = "Of publish: sdk, or v1 or v2 by hand, with explicit values", DefaultValueFactory = _ => Wire.Sdk };
    private static readonly Option<int> Size = Number("--size", "Data of an event, in bytes of JSON", 256, 40, 1_000_000);
    private static readonly Option<int> Keys = Number("--keys", "How many keys", 1_000, 1, 10_000_000);
    private static readonly Option<double> Zipf = new("--zipf") { Description = "Exponent of Zipf's law: some keys much more often than others; 0: all alike" };
    private static readonly Option<int> Connections = Number("--connections", "How many connections publish", 1, 1, MaxConnections);
    private static readonly Option<int> Window = Number("--window", "Operations under way at a time, over all connections", 1_000, 1, MaxWindow);
    private static readonly Option<int> Batch = Number("--batch", "Events of a call (batch) or a message (--wire v1, v2)", 1, 1, 1_000);
    private static readonly Option<int> Instances = Number("--instances", "Of deliver: instances of the client type", 1, 1, 1_000);
    private static readonly Option<double?> Rate = new("--rate") { Description = "Operations begun per second, whether the last ones have ended or not (open loop). Without it each begins when one has ended" };
    private static readonly Option<int> Duration = Number("--duration", "Seconds that are measured", 10, 1, 3_600);
    private static readonly Option<int> Warmup = Number("--warmup", "Seconds before that", 3, 0, 600);
    private static readonly Option<int> Events = Number("--events", "Of rebuild: events in the log; missing ones are published first", 1_000_000, 1, 100_000_000);
    private static readonly Option<string> Durability = new("--durability") { Description = "Of the bus that is started: full or os", DefaultValueFactory = _ => "full" };
    private static readonly Option<string?> JsonFile = new("--json") { Description = "Writes the result to this file" };
    private static readonly Option<string?> PlotFile = new("--plot") { Description = "Draws it into this PNG file" };

    public static Command Create()
    {
        Load.AcceptOnlyFromAmong(LoadNames);
        Durability.AcceptOnlyFromAmong("full", "os");
        var command = new Command("bench", "Loads a bus and tells how many events a second it takes and how long each takes, in percentiles.")
        {
            Load, Server, WireOption, Size, Keys, Zipf, Connections, Window, Batch, Instances, Rate, Duration, Warmup, Events, Durability, JsonFile, PlotFile,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Rate) is <= 0 or > 10_000_000)
                result.AddError("--rate is above 0 and at most 10000000.");
            if (result.GetValue(Zipf) is < 0 or > 10 or double.NaN)
                result.AddError("--zipf is 0 to 10.");
            if (result.GetValue(Rate) is not null && (result.GetValue(WireOption) != Wire.Sdk || result.GetValue(Load) == "rebuild"))
                result.AddError("--rate is for loads that go through the SDK, other than rebuild.");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var plan = PlanOf(result);
        var plans = plan.Load == "sessions" ? [.. SessionPlans(plan)] : new[] { plan };
        var measurements = new List<Measurement>();
        try
        {
            foreach (var one in plans)
                measurements.Add(await BenchRun.RunAsync(one, Console.Error.WriteLine, cancellationToken));
        }
        catch (Exception e) when (e is InvalidOperationException or SequentException or IOException or System.Net.WebSockets.WebSocketException)
        {
            await Console.Error.WriteLineAsync($"sequent: {e.Message}");
            return 1;
        }

        await Console.Out.WriteLineAsync($"{BenchReport.Circumstances(plan)}\n\n{BenchReport.Table(measurements)}");
        if (result.GetValue(JsonFile) is { } json)
            await File.WriteAllTextAsync(json, BenchReport.Json(plan, measurements), cancellationToken);
        return result.GetValue(PlotFile) is not { } png || await DrawAsync(measurements, png) ? 0 : 1;
    }

    /// <summary>False if it cannot be drawn here; the table was printed already.</summary>
    private static async Task<bool> DrawAsync(IReadOnlyList<Measurement> measurements, string file)
    {
        try
        {
            BenchPlot.Save(measurements, file);
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException)
        {
            await Console.Error.WriteLineAsync("sequent: plots can be drawn on Windows, macOS and Linux (x64, arm64) only; --json has the same numbers.");
            return false;
        }
    }

    /// <summary>The same load over more and more connections.</summary>
    internal static IEnumerable<BenchPlan> SessionPlans(BenchPlan plan) => Sessions.Select(count => plan with { Load = "publish", Connections = count, Wire = Wire.V2 });

    private static BenchPlan PlanOf(ParseResult result) => new()
    {
        Load = result.GetRequiredValue(Load),
        Server = result.GetValue(Server),
        Wire = result.GetValue(WireOption),
        Size = result.GetValue(Size),
        Keys = result.GetValue(Keys),
        Zipf = result.GetValue(Zipf),
        Connections = result.GetValue(Connections),
        Window = result.GetValue(Window),
        Batch = result.GetValue(Batch),
        Instances = result.GetValue(Instances),
        Rate = result.GetValue(Rate),
        Duration = TimeSpan.FromSeconds(result.GetValue(Duration)),
        Warmup = TimeSpan.FromSeconds(result.GetValue(Warmup)),
        Events = result.GetValue(Events),
        Durability = result.GetRequiredValue(Durability),
    };

    private static Option<int> Number(string name, string description, int usual, int least, int most)
    {
        var option = new Option<int>(name) { Description = string.Create(CultureInfo.InvariantCulture, $"{description}, {least} to {most}"), DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            // What is no number at all is told by the parser; asking it for the value would throw.
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var number) && (number < least || number > most))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is {least} to {most}."));
        });
        return option;
    }

    private static Uri? ReadUri(System.CommandLine.Parsing.ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && uri.Scheme is "ws" or "wss")
            return uri;
        result.AddError($"--server takes an address such as ws://localhost:8081, not '{result.Tokens[0].Value}'.");
        return null;
    }
}
