using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Sequent.Client;
using Sequent.Protocol;

namespace Docs.Tests.Guide;

/// <summary>The code and the tables of docs/guide/telemetry.md.</summary>
public sealed class TelemetryTests : GuideTest
{
    [Test]
    public void Export()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("accounts"))
            .WithTracing(traces => traces.AddSource(SequentDiagnostics.Name))
            .WithMetrics(metrics => metrics.AddMeter(SequentDiagnostics.Name))
            .UseOtlpExporter();

        using var host = builder.Build();
        Assert.That(host.Services.GetService<TracerProvider>(), Is.Not.Null);
    }

    [Test]
    public async Task Health()
    {
        await using var service = await Bus.StartServiceAsync("accounts", sequent =>
        {
            sequent.AddHandler<TransferHandler, TransferRequested>();

            sequent.AddHealthCheck(tags: ["ready"], maxLag: TimeSpan.FromMinutes(1));
        });
        var health = service.Services.GetRequiredService<HealthCheckService>();
        HealthReport report;
        while ((report = await health.CheckHealthAsync(Token)).Status != HealthStatus.Healthy)
            await Task.Delay(10, Token);
        Assert.That(report.Entries["sequent"].Data.Keys, Is.EquivalentTo(new[] { "server", "state", "log_id", "lag of accounts" }));
    }

    [Test]
    public async Task Every_instrument_of_the_SDK_and_of_the_bus_is_in_a_document_with_its_unit()
    {
        var instruments = new ConcurrentDictionary<string, string?>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (instrument.Meter.Name == SequentDiagnostics.Name) instruments[instrument.Name] = instrument.Unit; } };
        listener.Start();
        await using var service = await Bus.StartServiceAsync("accounts", s => s.AddHandler<TransferHandler, TransferRequested>());
        await Bus.PublishAsync(new TransferRequested("acc-7", "acc-8", 1m), "tx-1");
        await Bus.WaitUntilSettledAsync("accounts", Token);

        var documented = new[] { "docs/guide/telemetry.md", "docs/operating.md" }.SelectMany(InstrumentsOf).ToDictionary();
        Assert.That(documented.Keys, Is.EquivalentTo(instruments.Keys));
        foreach (var (name, unit) in documented.Where(d => d.Value is not null))
            Assert.That(unit, Is.EqualTo(instruments[name] is "s" ? "s" : Plural(instruments[name]!.Trim('{', '}'))), name);
    }

    [Test]
    public async Task Every_span_and_attribute_is_in_the_document()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SequentDiagnostics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using (var service = await Bus.StartServiceAsync("accounts", s => s.AddHandler<TransferHandler, TransferRequested>().AddHandler<FailingHandler, TransferAccepted>().AddProjection<NoProjection>()))
        {
            await Client.PublishAsync(new TransferRequested("acc-7", "acc-8", 0m), "tx-1", cancellationToken: Token);
            await Client.ReadAsync<Account>("acc-7", Token);
            await UntilAsync(() => spans.Any(s => s.GetTagItem("error.type") is not null) && spans.Any(s => s.GetTagItem("sequent.projection") is not null));
        }

        var page = Repository.ReadLines("docs/guide/telemetry.md");
        string[] CodeOf(string header) => [.. page.SkipWhile(line => !line.StartsWith(header, StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|')).SelectMany(row => row.Split('|')[1].Split('`').Where((_, i) => i % 2 == 1))];
        Assert.That(CodeOf("| span |").Select(name => name.Split(' ')[0]).Distinct(), Is.EquivalentTo(spans.Select(s => s.DisplayName.Split(' ')[0]).Distinct()));
        Assert.That(CodeOf("| attribute |"), Is.EquivalentTo(spans.SelectMany(s => s.TagObjects.Select(t => t.Key)).Distinct()));
    }

    public sealed class FailingHandler : IEventHandler<TransferAccepted>
    {
        public Task HandleAsync(EventContext<TransferAccepted> context, CancellationToken cancellationToken) => throw new InvalidOperationException("It fails.");
    }

    public sealed class NoProjection : IProjection
    {
        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => default;

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken) => new(true);

        public ValueTask ResetAsync(CancellationToken cancellationToken) => default;
    }

    /// <summary>The rows of the tables of instruments: names, with units where the table has them.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> InstrumentsOf(string page)
    {
        string[]? header = null;
        foreach (var cells in Repository.ReadLines(page).Select(line => line.Split('|', StringSplitOptions.TrimEntries)))
        {
            if (cells.Length < 3)
                header = null;
            else if (cells[1] == "instrument")
                header = cells;
            else if (header is not null && cells[1].StartsWith('`'))
                yield return new(cells[1].Trim('`'), header[2] == "unit" ? cells[2] : null);
        }
    }

    private static string Plural(string word) => word.EndsWith("sh", StringComparison.Ordinal) ? $"{word}es" : $"{word}s";
}
