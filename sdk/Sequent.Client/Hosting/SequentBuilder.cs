using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;

namespace Sequent.Client;

/// <summary>Adds to a service what takes part in the bus. Returned by <c>AddSequent</c>.</summary>
public sealed class SequentBuilder
{
    internal SequentBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services of the application.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a handler. It is created per attempt in a scope of its own, unless it is registered otherwise.</summary>
    /// <typeparam name="THandler">The handler.</typeparam>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    /// <exception cref="InvalidOperationException">The event type has a handler already; the message names both.</exception>
    public SequentBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler, TEvent>()
        where THandler : class, IEventHandler<TEvent> => throw new NotImplementedException();

    /// <summary>Adds a projection, and a singleton <see cref="ProjectionProgress{TProjection}"/> that tells how far it is.</summary>
    /// <typeparam name="TProjection">The projection; a singleton, unless it is registered otherwise.</typeparam>
    public SequentBuilder AddProjection<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProjection>()
        where TProjection : class, IProjection => throw new NotImplementedException();

    /// <summary>Adds an event type to <see cref="SequentOptions.Events"/>, so that its events are read as this type.</summary>
    /// <typeparam name="TEvent">The type of the event's data.</typeparam>
    public SequentBuilder AddEvent<TEvent>() => throw new NotImplementedException();
}
