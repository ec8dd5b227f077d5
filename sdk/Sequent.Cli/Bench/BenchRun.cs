using System.Globalization;
using Sequent.Cli.Bench.Loads;

namespace Sequent.Cli.Bench;

/// <summary>One measurement from beginning to end.</summary>
internal static class BenchRun
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    public static async Task<Measurement> RunAsync(BenchPlan plan, Action<string> progress, CancellationToken cancellationToken)
    {
        await using var bus = plan.Server is null ? await BenchBus.StartAsync(plan.Durability, cancellationToken) : null;
        await using var load = LoadOf(plan);
        progress($"{plan.Load}: connecting");
        await load.PrepareAsync(plan.Server ?? bus!.Address, cancellationToken);
        var before = bus?.ResidentBytes;
        var measurement = await MeasureAsync(plan, load, progress, cancellationToken);
        return plan.Load == "rebuild" && bus is not null
            ? measurement with { Remark = string.Create(CultureInfo.InvariantCulture, $"memory of the bus grew by {(bus.ResidentBytes - before!.Value) / 1e6:N0} MB") }
            : measurement;
    }

    /// <summary>Measures a load that is prepared.</summary>
    public static async Task<Measurement> MeasureAsync(BenchPlan plan, ILoad load, Action<string> progress, CancellationToken cancellationToken)
    {
        var meter = new Meter();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = load.RunAsync(meter, stop.Token);
        await PassAsync(plan.Warmup, running, meter, line => progress($"{plan.Load}: warm-up, {line}"));
        meter.Begin();
        await PassAsync(plan.Duration, running, meter, line => progress($"{plan.Load}: {line}"));
        meter.End();
        await stop.CancelAsync();
        await running;
        cancellationToken.ThrowIfCancellationRequested();
        return meter.Read(plan);
    }

    private static ILoad LoadOf(BenchPlan plan) => (plan.Load, plan.Wire) switch
    {
        ("publish", Wire.V1 or Wire.V2) => new WirePublish(plan),
        ("deliver", _) => new Deliver(plan),
        ("rebuild", _) => new Rebuild(plan),
        ("follow", _) => new Follow(plan),
        _ => new SdkPublish(plan),
    };

    private static async Task PassAsync(TimeSpan time, Task running, Meter meter, Action<string> progress)
    {
        var end = Task.Delay(time, TimeProvider.System, CancellationToken.None);
        for (var (last, second) = (meter.All, 1); !end.IsCompleted && !running.IsCompleted; second++)
        {
            await Task.WhenAny(end, running, Task.Delay(ProgressEvery, TimeProvider.System, CancellationToken.None));
            var all = meter.All;
            if (!end.IsCompleted)
                progress(string.Create(CultureInfo.InvariantCulture, $"{second} s, {all - last:N0} events/s"));
            last = all;
        }

        if (running.IsFaulted)
            await running;
    }
}
