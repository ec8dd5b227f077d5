namespace Sequent.Client.Hosting;

/// <summary>A handler of one event type.</summary>
/// <param name="Event">The type of the event's data.</param>
/// <param name="Handler">The handler.</param>
/// <param name="HandleAsync">Handles a delivery with a handler from the given scope, in the given unit.</param>
internal sealed record HandlerRegistration(Type Event, Type Handler, Func<IServiceProvider, Delivery, IUnit, CancellationToken, Task> HandleAsync)
{
    /// <summary>Part of the ids of what it appends: without the namespace, so that moving the class changes nothing.</summary>
    public string Name => Handler.Name;

    public static HandlerRegistration Of<THandler, TEvent>(SequentRegistration owner)
        where THandler : class, IEventHandler<TEvent> =>
        new(typeof(TEvent), typeof(THandler), (services, delivery, unit, cancellationToken) =>
        {
            var context = new EventContext<TEvent>(delivery.Event, unit, delivery.Attempt, delivery.Redelivered);
            return owner.Get<THandler>(services).HandleAsync(context, cancellationToken);
        });
}
