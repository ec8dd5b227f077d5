using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Sequent.Client.Events;
using Sequent.Client.Tests.Support;

namespace Sequent.Client.Tests;

internal sealed partial class SetupTests : HostTest
{
    [TestCase("http://localhost:8081", "Server")]
    [TestCase("localhost", "Server")]
    public void A_server_must_be_a_web_socket_address(string server, string option) =>
        Assert.That(() => new SequentClient(server), Throws.TypeOf<OptionsValidationException>().With.Message.Contains(option));

    [Test]
    public void Every_unusable_option_is_named_with_its_remedy()
    {
        var options = new SequentOptions
        {
            Json = null!,
            TimeProvider = null!,
            UnitTimeout = TimeSpan.Zero,
            ReconnectDelayMax = TimeSpan.FromDays(100),
            HandlerTimeout = -TimeSpan.FromSeconds(1),
            PublishTimeout = TimeSpan.Zero,
            MaxInFlight = 0,
            MaxParallelKeys = 70_000,
            FoldCacheSize = -1,
        };

        Assert.That(
            () => new SequentClient(options),
            Throws.TypeOf<OptionsValidationException>().With.Property("Failures").Length.EqualTo(9)
                .And.Message.Contains("MaxParallelKeys is 70000; it must be between 1 and 65536."));
    }

    [Test]
    public void Handlers_need_a_client_type_and_a_start()
    {
        using var host = NewHost(b => b.AddHandler<HandlerTests.RenamedHandler, Renamed>(), o => (o.ClientType, o.Start) = (null, null));

        Assert.That(
            async () => await host.StartAsync(Token),
            Throws.TypeOf<OptionsValidationException>().With.Message.Contains("ClientType is not set").And.Message.Contains("Start is not set"));
    }

    [Test]
    public async Task Without_handlers_neither_is_needed()
    {
        var host = await StartHostAsync(_ => { }, o => (o.ClientType, o.Start) = (null, null));

        var client = host.Services.GetRequiredService<ISequentClient>();

        Assert.That((await client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token)).Position, Is.EqualTo(1));
    }

    [Test]
    public async Task A_second_handler_for_an_event_fails_at_the_start_and_names_both()
    {
        var host = NewHost(b => b.AddHandler<HandlerTests.RenamedHandler, Renamed>().AddHandler<AnotherHandler, Renamed>(), o => o.Server = new Uri("ws://localhost:1"));
        var fault = await ThrownByAsync<InvalidOperationException>(() => host.StartAsync(Token));
        Assert.That(fault.Message, Does.Contain(nameof(HandlerTests.RenamedHandler)).And.Contain(nameof(AnotherHandler)));
    }

    [Test]
    public void A_projection_is_added_once() =>
        Assert.That(() => NewHost(b => b.AddProjection<NoProjection>().AddProjection<NoProjection>()), Throws.InvalidOperationException);

    [Test]
    public void A_second_client_in_one_application_is_refused() =>
        Assert.That(() => NewHost(b => b.Services.AddSequent(_ => { })), Throws.InvalidOperationException.With.Message.Contains("AddSequent"));

    [Test]
    public void Two_event_types_of_one_name_fail_at_the_start()
    {
        using var host = NewHost(b => b.AddEvent<Deposited>().AddEvent<Support.Other.Deposited>());

        Assert.That(
            async () => await host.StartAsync(Token),
            Throws.InvalidOperationException.With.Message.Contains(typeof(Deposited).FullName).And.Message.Contains(typeof(Support.Other.Deposited).FullName));
    }

    [Test]
    public void An_event_type_without_json_metadata_fails_at_the_start()
    {
        using var host = NewHost(b => b.AddEvent<Deposited>(), o => o.Json = new JsonSerializerOptions { TypeInfoResolver = JsonTypeInfoResolver.Combine() });

        Assert.That(async () => await host.StartAsync(Token), Throws.TypeOf<NotSupportedException>().With.Message.Contains(nameof(Deposited)));
    }

    [Test]
    public async Task Source_generated_metadata_is_enough()
    {
        await using var client = Bus.CreateClient(o =>
        {
            o.Json = new JsonSerializerOptions { TypeInfoResolver = JsonTypeInfoResolver.Combine() };
            o.Events.Add(Metadata.Default.Deposited).Add(Metadata.Default.Deposited);
        });

        await client.PublishAsync(new Deposited(4m), "k", cancellationToken: Token);

        Assert.That((await client.ReadAsync<Account>("k", Token)).State.Balance, Is.EqualTo(4m));
        Assert.That(async () => await client.PublishAsync(new Withdrawn(4m), "k", cancellationToken: Token), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    public void A_type_without_a_name_to_share_cannot_be_published() =>
        Assert.That(async () => await Client.PublishAsync(new { Amount = 1 }, "k", cancellationToken: Token), Throws.ArgumentException);

    [Test]
    public async Task A_generic_type_is_named_without_its_arguments()
    {
        var catalog = new EventCatalog().Add<Wrapped<int>>();

        Assert.That(catalog.Map(typeof(Wrapped<int>)).Name, Is.EqualTo("Wrapped"));
        Assert.That(() => catalog.Add<Wrapped<string>>(), Throws.InvalidOperationException);
        Assert.That(catalog.Map(typeof(Renamed)).Name, Is.EqualTo("renamed.v2"));
        await Task.CompletedTask;
    }

    [Test]
    public async Task Json_options_without_a_resolver_read_by_reflection_and_stay_as_they_are()
    {
        var json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
        var client = NewClient(o => o.Json = json);

        await client.PublishAsync(new Deposited(4m), "k", cancellationToken: Token);

        await foreach (var e in client.QueryAsync(new EventQuery(), Token))
            Assert.That((System.Text.Encoding.UTF8.GetString(e.Json.Span), e.Data), Is.EqualTo(("{\"amount\":4}", new Deposited(4m))));
        Assert.That((json.IsReadOnly, json.TypeInfoResolver), Is.EqualTo((false, (IJsonTypeInfoResolver?)null)));
    }

    [Test]
    public void Json_options_that_are_final_are_taken_as_they_are() =>
        Assert.That(ReflectionJson.Complete(JsonSerializerOptions.Default), Is.SameAs(JsonSerializerOptions.Default));

    [Test]
    public void An_event_made_by_hand_needs_its_data_to_be_read()
    {
        var e = new RecordedEvent { EventType = "Deposited", Key = "k", Data = new Deposited(1m) };
        var context = new EventContext<Deposited>(e, new NoUnit(), attempt: 2, redelivered: true);

        Assert.That((context.Data, context.Attempt, context.Redelivered, context.EventId, context.Time), Is.EqualTo((new Deposited(1m), 2, true, (Guid?)null, default(DateTimeOffset))));
        Assert.That(() => new RecordedEvent { EventType = "Deposited", Key = "k" }.Data, Throws.InvalidOperationException);
        Assert.That(() => new EventContext<Renamed>(e, new NoUnit()), Throws.TypeOf<InvalidCastException>());
    }

    private sealed record Wrapped<T>(T Value);

    private sealed class AnotherHandler : IEventHandler<Renamed>
    {
        public Task HandleAsync(EventContext<Renamed> context, CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class NoProjection : IProjection
    {
        public ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken) => default;

        public ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken) => ValueTask.FromResult(true);

        public ValueTask ResetAsync(CancellationToken cancellationToken) => default;
    }

    private sealed class NoUnit : IUnit
    {
        public ValueTask<TState> ReadAsync<TState>(string key, CancellationToken cancellationToken = default)
            where TState : IState<TState> => ValueTask.FromResult(TState.Initial);

        public void Append(string key, object data)
        {
        }
    }

    [JsonSerializable(typeof(Deposited))]
    private sealed partial class Metadata : JsonSerializerContext;
}
