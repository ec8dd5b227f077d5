using System.Text.Json;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Sequent.Client;

namespace Sequent.Benchmarks;

/// <summary>
/// What an awaited publish allocates in the program of the client, by BenchmarkDotNet; the bus is a process of its own. Two sizes of payload tell what is
/// the payload's own (its JSON, and nothing else that grows with it).
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class PublishAllocation : IAsyncDisposable
{
    private const int Operations = 500;

    private BusProcess _bus = null!;
    private SequentClient _client = null!;
    private string _folder = "";
    private Payload _payload = null!;

    [Params(16, 1024)]
    public int Characters { get; set; }

    public static void Run()
    {
        var config = ManualConfig.CreateEmpty()
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "sequent-benchmarks"))
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.DontLogOutput).WithWarmupCount(3).WithIterationCount(5).WithInvocationCount(16).WithUnrollFactor(1))
            .AddColumnProvider(DefaultColumnProviders.Params, DefaultColumnProviders.Metrics)
            .AddColumn(TargetMethodColumn.Method, StatisticColumn.Median)
            .AddLogger(NullLogger.Instance);
        var summary = BenchmarkRunner.Run<PublishAllocation>(config);
        Console.WriteLine("## Allocated by an awaited publish");
        Console.WriteLine();
        Console.WriteLine("One publish at a time, under one key, each awaited; `Characters` is the length of the text in its data. `Allocated` is per publish, on all threads of the client's program.");
        Console.WriteLine();
        MarkdownExporter.GitHub.ExportToLog(summary, ConsoleLogger.Ascii);
        foreach (var report in summary.Reports)
        {
            var characters = (int)report.BenchmarkCase.Parameters["Characters"];
            var allocated = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase);
            var payload = JsonSerializer.SerializeToUtf8Bytes(new Payload(new string('x', characters))).Length;
            Console.WriteLine(FormattableString.Invariant($"- {characters} characters: {allocated} B, of which the payload's JSON is {payload} B: {allocated - payload} B above the payload."));
        }
    }

    [GlobalSetup]
    public async Task StartAsync()
    {
        _folder = Directory.CreateTempSubdirectory("sequent-bench-").FullName;
        _bus = await BusProcess.StartAsync(Path.Combine(_folder, "bus.db"), "--durability", "os");
        _client = new SequentClient(new SequentOptions { Server = _bus.Address });
        _payload = new Payload(new string('x', Characters));
        await _client.ConnectAsync();
    }

    [GlobalCleanup]
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this); // BenchmarkDotNet derives from it
        await _client.DisposeAsync();
        await _bus.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Many to one invocation: BenchmarkDotNet blocks its thread for each, which allocates too.</summary>
    [Benchmark(OperationsPerInvoke = Operations)]
    public async Task PublishAsync()
    {
        for (var i = 0; i < Operations; i++)
            await _client.PublishAsync(_payload, "acc-7");
    }

    public sealed record Payload(string Text);
}
