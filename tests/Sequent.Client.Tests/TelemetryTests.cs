using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>What can be seen of the SDK and the bus from outside: spans, metrics, lag.</summary>
internal sealed class TelemetryTests : HostTest
{
    [Test]
    public async Task An_event_and_what_a_handler_makes_of_it_are_one_tree()
    {
        using var trace = new TestTrace();
        var receipt = await Client.PublishAsync(new Deposited(1m), "from", cancellationToken: Token);
        await StartAsync(async (context, ct) =>
        {
            await context.ReadAsync<Count>("to", ct);
            context.Append("to", new Renamed("n"));
        });
        await UntilAsync(() => trace.Has("process Deposited") && trace.Spans.Count(s => s.DisplayName.StartsWith("commit", StringComparison.Ordinal)) == 2, "it is handled");

        var publish = trace.Span("publish Deposited");
        Assert.That(publish.ParentSpanId, Is.EqualTo(trace.Root.SpanId));
        Assert.That(ParentOf(trace, "commit Deposited"), Is.SameAs(publish), "the bus's part");
        Assert.That(ParentOf(trace, "process Deposited"), Is.SameAs(publish));
        Assert.That(ParentOf(trace, "unit"), Is.SameAs(trace.Span("process Deposited")));
        Assert.That(ParentOf(trace, "query"), Is.SameAs(trace.Span("unit")));
        Assert.That(ParentOf(trace, "publish renamed.v2"), Is.SameAs(trace.Span("unit")));
        Assert.That(ParentOf(trace, "commit renamed.v2"), Is.SameAs(trace.Span("publish renamed.v2")));

        var events = await EventsOfAsync("from", "to");
        Assert.That(events.Select(e => e.TraceParent), Is.EqualTo(new[] { publish.Id, trace.Span("publish renamed.v2").Id }));
        Assert.That(
            TagsOf(trace.Span("process Deposited")),
            Is.SupersetOf(new Dictionary<string, object?>
            {
                ["messaging.system"] = "sequent",
                ["messaging.operation.name"] = "process",
                ["messaging.operation.type"] = "process",
                ["messaging.destination.name"] = "Deposited",
                ["messaging.consumer.group.name"] = "accounts",
                ["messaging.message.id"] = receipt.EventId.ToString(),
                ["sequent.key"] = "from",
                ["sequent.value"] = 0u,
                ["sequent.position"] = 1L,
                ["sequent.attempt"] = 1,
                ["server.port"] = Bus.Address.Port,
            }));
        Assert.That(trace.Spans.Select(s => s.Kind).Distinct(), Is.EquivalentTo(new[] { ActivityKind.Producer, ActivityKind.Server, ActivityKind.Consumer, ActivityKind.Internal, ActivityKind.Client }));
    }

    [Test]
    public async Task A_trace_state_goes_along_and_a_given_trace_is_kept()
    {
        using var trace = new TestTrace();
        trace.Root.TraceStateString = "vendor=1";
        const string Given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await Client.PublishAtomicAsync([new(new Deposited(1m), "k"), new(new Deposited(2m), "k") { Options = new PublishOptions { TraceParent = Given } }], cancellationToken: Token);

        var events = await EventsOfAsync("k");

        Assert.That(events.Select(e => (e.TraceParent, e.TraceState)), Is.EqualTo(new (string?, string?)[] { (trace.Span("publish Deposited").Id, "vendor=1"), (Given, null) }));
        Assert.That(TagsOf(trace.Span("publish Deposited"))["messaging.batch.message_count"], Is.EqualTo(2));
    }

    [Test]
    public async Task A_handler_that_fails_shows_in_its_span_and_its_duration()
    {
        using var measured = new Measured(Bus.Address.Port);
        using var trace = new TestTrace();
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await StartAsync((context, _) => context.Attempt == 1 ? throw new InvalidOperationException("the first time") : Task.CompletedTask);
        await UntilAsync(() => trace.Spans.Count(s => s.DisplayName == "process Deposited") == 2, "it is handled");

        var runs = trace.Spans.Where(s => s.DisplayName == "process Deposited").ToArray();
        Assert.That(runs.Select(r => (r.Status, r.GetTagItem("error.type"))), Is.EqualTo(new (ActivityStatusCode, object?)[] { (ActivityStatusCode.Error, "System.InvalidOperationException"), (ActivityStatusCode.Unset, null) }));
        Assert.That(runs[0].Events.Select(e => e.Name), Is.EqualTo(new[] { "exception" }));
        Assert.That(measured.Of("messaging.process.duration").Select(m => m.GetValueOrDefault("error.type")), Is.EqualTo(new object?[] { "System.InvalidOperationException", null }));
        Assert.That(measured.Of("messaging.client.consumed.messages"), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Publishes_are_counted_by_what_became_of_them_and_a_conflict_is_no_error()
    {
        using var measured = new Measured(Bus.Address.Port);
        using var trace = new TestTrace();
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await Client.TryPublishAsync(new Deposited(1m), Sequence.At("k", 7), cancellationToken: Token);

        Assert.That(measured.Of("messaging.client.sent.messages").Select(m => m["sequent.status"]), Is.EqualTo(new[] { "success", "inconsistent" }));
        Assert.That(measured.Of("messaging.client.operation.duration").Select(m => (m["messaging.destination.name"], m.ContainsKey("error.type"))), Is.EqualTo(new (object?, bool)[] { ("Deposited", false), ("Deposited", false) }));
        Assert.That(trace.Spans.Where(s => s.DisplayName == "publish Deposited").Select(s => (s.Status, s.GetTagItem("sequent.status"))), Is.EqualTo(new (ActivityStatusCode, object?)[] { (ActivityStatusCode.Unset, "success"), (ActivityStatusCode.Unset, "inconsistent") }));
    }

    [Test]
    public async Task What_the_bus_refuses_or_the_function_of_a_unit_throws_is_an_error()
    {
        using var trace = new TestTrace();
        await ThrownByAsync<RequestFailedException>(async () => await Client.QueryAsync(new EventQuery { After = 99 }, Token).ToListAsync(Token));
        await ThrownByAsync<InvalidOperationException>(() => Client.UpdateAsync((_, _) => throw new InvalidOperationException(), cancellationToken: Token));
        await ThrownByAsync<OperationCanceledException>(() => Client.UpdateAsync((_, _) => throw new OperationCanceledException(), cancellationToken: Token));

        Assert.That(
            trace.Spans.Select(s => (s.DisplayName, s.Status, s.GetTagItem("error.type"))),
            Is.EqualTo(new (string, ActivityStatusCode, object?)[]
            {
                ("query", ActivityStatusCode.Error, "position_ahead"),
                ("unit", ActivityStatusCode.Error, "System.InvalidOperationException"),
                ("unit", ActivityStatusCode.Error, "cancelled"),
            }));
    }

    [Test]
    public async Task A_unit_that_met_a_conflict_counts_it()
    {
        using var measured = new Measured(Bus.Address.Port);
        using var trace = new TestTrace();
        var other = NewClient();
        var result = await Client.UpdateAsync(
            async (unit, ct) =>
            {
                var count = await unit.ReadAsync<Count>("k", ct);
                if (count.Events == 0)
                    await other.PublishAsync(new Deposited(1m), "k", cancellationToken: ct);
                unit.Append("k", new Deposited(2m));
            },
            cancellationToken: Token);

        Assert.That((result.Attempts, trace.Span("unit").GetTagItem("sequent.attempt")), Is.EqualTo((2, 2)));
        Assert.That(measured.Of("sequent.client.unit.conflicts"), Has.Count.EqualTo(1));
        Assert.That(measured.Of("sequent.client.unit.duration"), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_page_of_a_projection_names_the_traces_its_events_came_from()
    {
        using var trace = new TestTrace();
        trace.TakeRoots();
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var host = await StartHostAsync(b => b.AddProjection<HostingTests.Positions>());
        await host.Services.GetRequiredService<ProjectionProgress<HostingTests.Positions>>().WaitForAsync(1, Token);
        await UntilAsync(() => trace.Has("process Positions"), "the span has ended");

        var page = trace.Span("process Positions");
        Assert.That(page.ParentSpanId, Is.EqualTo(default(ActivitySpanId)), "it belongs to no single trace");
        Assert.That(page.Links.Select(l => l.Context.SpanId), Is.EqualTo(new[] { trace.Span("publish Deposited").SpanId }));
    }

    [Test]
    public async Task Lag_is_the_age_of_the_oldest_event_that_handlers_hold()
    {
        await Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        var isHeld = new TaskCompletionSource();
        var isLetGo = new TaskCompletionSource();
        var host = await StartHostAsync(b =>
        {
            b.Services.AddSingleton(new HandlerTests.Handle((_, _) =>
            {
                isHeld.TrySetResult();
                return isLetGo.Task;
            }));
            b.AddHandler<HandlerTests.DepositedHandler, Deposited>().AddProjection<HostingTests.Positions>().AddHealthCheck(maxLag: TimeSpan.FromMilliseconds(50));
        });
        var checks = host.Services.GetRequiredService<HealthCheckService>();
        async Task<HealthReportEntry> CheckAsync() => (await checks.CheckHealthAsync(Token)).Entries["sequent"];
        await isHeld.Task.WaitAsync(Token);
        var late = await CheckAsync();
        while (late.Description?.Contains("behind", StringComparison.Ordinal) != true)
            late = await CheckAsync();

        Assert.That(late.Description, Does.Match(@"accounts is [\d.]+ s behind"));
        Assert.That((TimeSpan)late.Data["lag of accounts"], Is.GreaterThan(TimeSpan.FromMilliseconds(50)));
        using var lags = new Measured(port: null);
        Assert.That(lags.Observe("sequent.client.lag", "messaging.consumer.group.name", "accounts"), Has.Some.GreaterThan(0.05));

        isLetGo.SetResult();
        var entry = late;
        while (entry.Status != HealthStatus.Healthy)
            entry = await CheckAsync();
        Assert.That((entry.Data["lag of accounts"], entry.Data["lag of Positions"]), Is.EqualTo((TimeSpan.Zero, TimeSpan.Zero)));
    }

    private Task<IHost> StartAsync(HandlerTests.Handle handle) => StartHostAsync(b =>
    {
        b.Services.AddSingleton(handle);
        b.AddHandler<HandlerTests.DepositedHandler, Deposited>().AddEvent<Renamed>();
    });

    private static Activity? ParentOf(TestTrace trace, string name) => trace.Spans.SingleOrDefault(s => s.SpanId == trace.Span(name).ParentSpanId);

    private static Dictionary<string, object?> TagsOf(Activity span) => span.TagObjects.ToDictionary();

    /// <summary>Collects what one bus's clients measure: tests run beside each other in one process.</summary>
    private sealed class Measured : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _taken = [];

        public Measured(int? port)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == SequentDiagnostics.Name)
                    listener.EnableMeasurementEvents(instrument);
            };
            void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
            {
                var all = tags.ToArray().ToDictionary();
                if (port is null || Equals(all.GetValueOrDefault("server.port"), port))
                    _taken.Enqueue((instrument.Name, value, all));
            }

            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.Start();
        }

        public IReadOnlyList<Dictionary<string, object?>> Of(string instrument) => [.. _taken.Where(t => t.Instrument == instrument).Select(t => t.Tags)];

        public IReadOnlyList<double> Observe(string instrument, string tag, string name)
        {
            _listener.RecordObservableInstruments();
            return [.. _taken.Where(t => t.Instrument == instrument && Equals(t.Tags.GetValueOrDefault(tag), name)).Select(t => t.Value)];
        }

        public void Dispose() => _listener.Dispose();
    }
}
