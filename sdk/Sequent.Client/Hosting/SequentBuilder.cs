using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sequent.Client.Hosting;

namespace Sequent.Client;

/// <summary>Adds to a service what takes part in the bus. Returned by <c>AddSequent</c>.</summary>
public sealed class SequentBuilder
{
    private readonly SequentRegistration _registration;

    internal SequentBuilder(IServiceCollection services, SequentRegistration registration) => (Services, _registration) = (services, registration);

    /// <summary>The key of the services of this client; null: they have none.</summary>
    public string? ServiceKey => _registration.ServiceKey;

    /// <summary>The services of the application.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Adds a handler. All handlers share one subscription of <see cref="SequentOptions.ClientType"/>. It is registered as scoped, unless it is
    /// registered already; each run has a scope of its own. What it appends is named after the class (without its namespace), among other
    /// things: rename the class only while nothing is in flight. Two handlers of one event type fail when the host starts.
    /// </summary>
    /// <typeparam name="THandler">The handler.</typeparam>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    public SequentBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler, TEvent>()
        where THandler : class, IEventHandler<TEvent>
    {
        if (typeof(TEvent) == typeof(JsonElement))
            throw new InvalidOperationException($"JsonElement is no event type. Add {typeof(THandler)} with AddRawHandler, which names the types it takes.");
        _registration.Handlers.Add(HandlerRegistration.Of<THandler, TEvent>(_registration));
        AddScoped<THandler>();
        return AddEvent<TEvent>();
    }

    /// <summary>
    /// Adds a handler that takes data as it is, whether or not this program has a type for it: for events that come and go without this program being
    /// compiled anew, such as those it only passes on. Otherwise as <see cref="AddHandler{THandler, TEvent}"/>.
    /// </summary>
    /// <typeparam name="THandler">The handler. <see cref="EventContext{TEvent}.Event"/> tells it the event type.</typeparam>
    /// <exception cref="ArgumentException">A name is empty or <c>*</c>.</exception>
    /// <param name="eventTypes">The event types, by their names on the wire. None: all that no other handler takes; the client type then takes every event there is.</param>
    public SequentBuilder AddRawHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(params string[] eventTypes)
        where THandler : class, IEventHandler<JsonElement>
    {
        ArgumentNullException.ThrowIfNull(eventTypes);
        if (eventTypes.Any(t => string.IsNullOrEmpty(t) || t == "*"))
            throw new ArgumentException("An event type is named '*' or not at all. For all types that no other handler takes give no names.", nameof(eventTypes));
        _registration.Handlers.Add(HandlerRegistration.Raw<THandler>(_registration, [.. eventTypes]));
        AddScoped<THandler>();
        return this;
    }

    /// <summary>Adds a projection, and a singleton <see cref="ProjectionProgress{TProjection}"/> that tells how far it is.</summary>
    /// <typeparam name="TProjection">The projection; a singleton, unless it is registered otherwise.</typeparam>
    /// <exception cref="InvalidOperationException">The projection was added already.</exception>
    public SequentBuilder AddProjection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProjection>()
        where TProjection : class, IProjection
    {
        if (_registration.Projections.Exists(p => p.Projection == typeof(TProjection)))
            throw new InvalidOperationException($"{typeof(TProjection)} was added already.");
        var progress = new ProjectionProgress<TProjection>();
        if (_registration.ServiceKey is { } key)
        {
            Services.TryAddKeyedSingleton<TProjection>(key);
            Services.AddKeyedSingleton(key, progress);
            Services.AddKeyedSingleton<ProjectionProgress>(key, progress);
        }
        else
        {
            Services.TryAddSingleton<TProjection>();
            Services.AddSingleton(progress);
            Services.AddSingleton<ProjectionProgress>(progress);
        }

        _registration.Projections.Add(new ProjectionRegistration(typeof(TProjection), _registration.Get<TProjection>, progress));
        return this;
    }

    /// <summary>
    /// Adds a health check: healthy while the client is connected, its handlers are registered, and its projections have caught up. Its data names the bus,
    /// its log, how far each projection is, and how far handlers (by the name of the client type) and projections are behind.
    /// </summary>
    /// <param name="name">The name of the check. Null: <c>sequent</c>, with the service key behind it if there is one.</param>
    /// <param name="failureStatus">What it reports otherwise. Null: unhealthy.</param>
    /// <param name="tags">For choosing checks, such as <c>ready</c>.</param>
    /// <param name="maxLag">
    /// Beyond it handlers and projections that are behind count as a failure: the age of the oldest event that they hold, or have still to apply. Null: however
    /// far they are behind is only told.
    /// </param>
    public SequentBuilder AddHealthCheck(string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null, TimeSpan? maxLag = null)
    {
        name ??= _registration.ServiceKey is { } key ? $"sequent-{key}" : "sequent";
        Services.AddHealthChecks().Add(new HealthCheckRegistration(name, services => new SequentHealthCheck(_registration.Get<SequentHost>(services), maxLag), failureStatus, tags));
        return this;
    }

    /// <summary>Adds an event type to <see cref="SequentOptions.Events"/>, so that its events are read as this type.</summary>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    public SequentBuilder AddEvent<TEvent>()
    {
        _registration.Events.Add(static catalog => catalog.Add<TEvent>());
        return this;
    }

    private void AddScoped<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : class
    {
        if (_registration.ServiceKey is { } key)
            Services.TryAddKeyedScoped<THandler>(key);
        else
            Services.TryAddScoped<THandler>();
    }
}
