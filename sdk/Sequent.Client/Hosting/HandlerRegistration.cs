using System.Text.Json;
using Sequent.Client.Events;

namespace Sequent.Client.Hosting;

/// <summary>A handler, and what it takes.</summary>
/// <param name="Handler">The handler.</param>
/// <param name="HandleAsync">Handles a delivery with a handler from the given scope, in the given unit.</param>
internal sealed record HandlerRegistration(Type Handler, Func<IServiceProvider, Delivery, IUnit, CancellationToken, Task> HandleAsync)
{
    /// <summary>The type of the data of the events it takes; null: it takes data as it is.</summary>
    public Type? Event { get; private init; }

    /// <summary>A handler that takes data as it is: of these event types, by their names on the wire…</summary>
    public IReadOnlyList<string> RawTypes { get; private init; } = [];

    /// <summary>…or, without names, of all types that no other handler takes.</summary>
    public bool TakesRest => Event is null && RawTypes.Count == 0;

    /// <summary>Part of the ids of what it appends: without the namespace, so that moving the class changes nothing.</summary>
    public string Name => Handler.Name;

    public static HandlerRegistration Of<THandler, TEvent>(SequentRegistration owner)
        where THandler : class, IEventHandler<TEvent> =>
        new(typeof(THandler), (services, delivery, unit, cancellationToken) => owner.Get<THandler>(services).HandleAsync(
            new EventContext<TEvent>(delivery.Event, unit, delivery.Attempt, delivery.Redelivered), cancellationToken))
        {
            Event = typeof(TEvent),
        };

    public static HandlerRegistration Raw<THandler>(SequentRegistration owner, IReadOnlyList<string> types)
        where THandler : class, IEventHandler<JsonElement> =>
        new(typeof(THandler), (services, delivery, unit, cancellationToken) => owner.Get<THandler>(services).HandleAsync(
            new EventContext<JsonElement>(delivery.Event with { Data = EventMapper.ReadRaw(delivery.Event) }, unit, delivery.Attempt, delivery.Redelivered), cancellationToken))
        {
            RawTypes = types,
        };
}
