using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sequent.Cli.Bench;

/// <summary>What was measured, for people and for programs.</summary>
internal static class BenchReport
{
    /// <summary>A table in Markdown.</summary>
    public static string Table(IReadOnlyList<Measurement> measurements)
    {
        List<string> lines =
        [
            "| load | wire | connections | in flight | events/s | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ];
        foreach (var m in measurements)
        {
            var load = m.Plan.Rate is { } rate ? Text($"{m.Plan.Load} at {rate:N0}/s") : m.Plan.Load;
            var times = m.Milliseconds is { } t ? Text($"{t.P50:N2} | {t.P90:N2} | {t.P99:N2} | {t.P999:N2} | {t.Max:N2}") : "| | | |";
            lines.Add(Text($"| {load} | {m.Plan.Wire.ToString().ToLowerInvariant()} | {m.Plan.Connections} | {m.Plan.Window} | {m.EventsPerSecond:N0} | {times} |"));
        }

        lines.AddRange(measurements.Where(m => m.Remark is not null).Select(m => $"\n{m.Plan.Load}: {m.Remark}."));
        return string.Join('\n', lines);
    }

    /// <summary>Under which circumstances.</summary>
    public static string Circumstances(BenchPlan plan)
    {
        var keys = plan.Zipf > 0 ? Text($"{plan.Keys:N0} keys (Zipf {plan.Zipf})") : Text($"{plan.Keys:N0} keys");
        var durability = plan.Server is null ? $"durability {plan.Durability}" : $"the bus at {plan.Server}, with the durability it has";
        return Text($"Events of {plan.Size} bytes, {keys}, {plan.Duration.TotalSeconds:N0} s after {plan.Warmup.TotalSeconds:N0} s of warm-up; {durability}. ")
            + $"{Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, sequent {Version}.";
    }

    public static string Json(BenchPlan plan, IReadOnlyList<Measurement> measurements) => JsonSerializer.Serialize(
        new Report(Version, Environment.ProcessorCount, RuntimeInformation.OSDescription, RuntimeInformation.FrameworkDescription, plan.Server is null ? plan.Durability : null,
            [.. measurements.Select(m => new Result(m.Plan, m.Events, m.Time.TotalSeconds, m.EventsPerSecond, m.Milliseconds, m.Remark))]),
        BenchReportJson.Default.Report);

    /// <summary>With the commit it was built from.</summary>
    private static string Version => typeof(BenchReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "?";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    internal sealed record Report(string Version, int Processors, string System, string Runtime, string? Durability, IReadOnlyList<Result> Results);

    internal sealed record Result(BenchPlan Plan, long Events, double Seconds, double EventsPerSecond, Percentiles? Milliseconds, string? Remark);
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchReport.Report))]
internal sealed partial class BenchReportJson : JsonSerializerContext;
