using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sequent.Client.Hosting;

namespace Sequent.Client;

/// <summary>Adds to a service what takes part in the bus. Returned by <c>AddSequent</c>.</summary>
public sealed class SequentBuilder
{
    private readonly SequentRegistration _registration;

    internal SequentBuilder(IServiceCollection services, SequentRegistration registration) => (Services, _registration) = (services, registration);

    /// <summary>The services of the application.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Adds a handler. All handlers share one subscription of <see cref="SequentOptions.ClientType"/>. It is registered as scoped, unless it is
    /// registered already; each run has a scope of its own. What it appends is named after the class (without its namespace), among other
    /// things: rename the class only while nothing is in flight.
    /// </summary>
    /// <typeparam name="THandler">The handler.</typeparam>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    /// <exception cref="InvalidOperationException">The event type has a handler already; the message names both.</exception>
    public SequentBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler, TEvent>()
        where THandler : class, IEventHandler<TEvent>
    {
        _registration.Add(HandlerRegistration.Of<THandler, TEvent>());
        Services.TryAddScoped<THandler>();
        return AddEvent<TEvent>();
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
        Services.TryAddSingleton<TProjection>();
        Services.AddSingleton(progress);
        Services.AddSingleton<ProjectionProgress>(progress);
        _registration.Projections.Add(new ProjectionRegistration(typeof(TProjection), static services => services.GetRequiredService<TProjection>(), progress));
        return this;
    }

    /// <summary>Adds an event type to <see cref="SequentOptions.Events"/>, so that its events are read as this type.</summary>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    public SequentBuilder AddEvent<TEvent>()
    {
        _registration.Events.Add(static catalog => catalog.Add<TEvent>());
        return this;
    }
}
