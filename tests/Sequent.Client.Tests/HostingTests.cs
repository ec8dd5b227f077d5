using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

/// <summary>Several clients in one application, options from its configuration, and how it is doing.</summary>
internal sealed class HostingTests : HostTest
{
    [Test]
    public async Task What_belongs_to_a_key_stays_with_it()
    {
        var seen = new Seen();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(seen);
        foreach (var key in new[] { "one", "two" })
        {
            builder.Services.AddSequent(o => (o.Server, o.ClientType, o.Start) = (Bus.Address, key, Start.Earliest), key)
                .AddHandler<SeenHandler, Deposited>().AddProjection<Positions>().AddHealthCheck();
        }

        using var host = builder.Build();
        await host.StartAsync(Token);
        var one = host.Services.GetRequiredKeyedService<ISequentClient>("one");
        await one.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => seen.Count == 2, "each client type has handled it");

        Assert.That(one, Is.Not.SameAs(host.Services.GetRequiredKeyedService<ISequentClient>("two")));
        Assert.That(host.Services.GetService<ISequentClient>(), Is.Null);
        await host.Services.GetRequiredKeyedService<ProjectionProgress<Positions>>("two").WaitForAsync(1, Token);
        Assert.That(host.Services.GetRequiredKeyedService<Positions>("one"), Is.Not.SameAs(host.Services.GetRequiredKeyedService<Positions>("two")));
        var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.That(health.Entries.Keys, Is.EquivalentTo(new[] { "sequent-one", "sequent-two" }));
        await host.StopAsync(Token);
    }

    [Test]
    public void A_key_is_given_once() =>
        Assert.That(
            () => new ServiceCollection().AddSequent(_ => { }, "k").Services.AddSequent(_ => { }, "k"),
            Throws.InvalidOperationException.With.Message.Contains("'k'"));

    [Test]
    public void Options_come_from_the_configuration()
    {
        var services = new ServiceCollection();
        services.AddSequent(
            Configuration(("Server", "ws://bus:8081"), ("ClientType", "accounts"), ("Instance", "a"), ("Start", "earliest"), ("UnitTimeout", "00:00:05"), ("PublishTimeout", "00:00:07"),
                ("ReconnectDelayMax", "00:00:08"), ("HandlerTimeout", "00:01:00"), ("MaxInFlight", "3"), ("MaxParallelKeys", "4"), ("FoldCacheSize", "5")),
            o => o.Instance += "!");

        var options = services.BuildServiceProvider().GetRequiredService<IOptions<SequentOptions>>().Value;

        Assert.That((options.Server, options.ClientType, options.Instance, options.Start), Is.EqualTo((new Uri("ws://bus:8081"), "accounts", "a!", Start.Earliest)));
        Assert.That(
            (options.UnitTimeout, options.PublishTimeout, options.ReconnectDelayMax, options.HandlerTimeout),
            Is.EqualTo((TimeSpan.FromSeconds(5), (TimeSpan?)TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8), TimeSpan.FromMinutes(1))));
        Assert.That((options.MaxInFlight, options.MaxParallelKeys, options.FoldCacheSize), Is.EqualTo((3, 4, 5)));
    }

    [Test]
    public void Every_value_of_the_configuration_that_cannot_be_used_is_named()
    {
        var services = new ServiceCollection();
        services.AddSequent(Configuration(("Servre", "ws://bus"), ("Start", "now"), ("MaxInFlight", "many"), ("UnitTimeout", "soon")));

        var thrown = Assert.Throws<OptionsValidationException>(() => _ = services.BuildServiceProvider().GetRequiredService<IOptions<SequentOptions>>().Value);

        Assert.That(thrown!.Failures, Has.Exactly(1).Contains("Sequent:Servre is no option").And.Exactly(1).Contains("Sequent:Start is 'now'")
            .And.Exactly(1).Contains("Sequent:MaxInFlight is 'many'").And.Exactly(1).Contains("Sequent:UnitTimeout is 'soon'"));
    }

    [Test]
    public void Of_several_clients_the_one_whose_options_are_wrong_is_named()
    {
        var services = new ServiceCollection();
        services.AddSequent(Configuration(("Start", "now")), serviceKey: "one");

        var thrown = Assert.Throws<OptionsValidationException>(() => _ = services.BuildServiceProvider().GetRequiredKeyedService<ISequentClient>("one"));

        Assert.That(thrown!.OptionsName, Is.EqualTo("one"));
    }

    [Test]
    public async Task Health_tells_what_keeps_a_service_from_its_work()
    {
        Bus.IsDown = true;
        var seen = new Seen();
        var host = await StartHostAsync(b =>
        {
            b.Services.AddSingleton(seen);
            b.AddHandler<SeenHandler, Deposited>().AddProjection<Positions>().AddHealthCheck(failureStatus: HealthStatus.Degraded);
        });
        var checks = host.Services.GetRequiredService<HealthCheckService>();

        var before = (await checks.CheckHealthAsync(Token)).Entries["sequent"];
        Assert.That((before.Status, before.Description), Is.EqualTo((HealthStatus.Degraded, $"not connected to {Bus.Address}; the handlers are not registered; Positions has not caught up")));
        Bus.IsDown = false;
        HealthReportEntry now;
        do
        {
            now = (await checks.CheckHealthAsync(Token)).Entries["sequent"];
        }
        while (now.Status != HealthStatus.Healthy);

        Assert.That(now.Data.Keys, Is.EquivalentTo(new[] { "server", "state", "log_id", "position of Positions", "lag of accounts", "lag of Positions" }));
    }

    private static IConfiguration Configuration(params (string Name, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(v => KeyValuePair.Create<string, string?>($"Sequent:{v.Name}", v.Value))).Build().GetSection("Sequent");

    internal sealed class Seen
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add() => Interlocked.Increment(ref _count);
    }

    internal sealed class SeenHandler(Seen seen) : IEventHandler<Deposited>
    {
        public Task HandleAsync(EventContext<Deposited> context, CancellationToken cancellationToken)
        {
            seen.Add();
            return Task.CompletedTask;
        }
    }

    internal sealed class Positions : IProjection
    {
        private Checkpoint? _checkpoint;

        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => new(_checkpoint);

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken)
        {
            _checkpoint = to;
            return new(true);
        }

        public ValueTask ResetAsync(CancellationToken cancellationToken)
        {
            _checkpoint = null;
            return default;
        }
    }
}
