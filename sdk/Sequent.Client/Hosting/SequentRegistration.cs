namespace Sequent.Client.Hosting;

/// <summary>What was added to one client by its builder.</summary>
internal sealed class SequentRegistration
{
    public List<HandlerRegistration> Handlers { get; } = [];

    public List<ProjectionRegistration> Projections { get; } = [];

    /// <summary>Event types, to be added to the options once these are made.</summary>
    public List<Action<EventCatalog>> Events { get; } = [];

    /// <exception cref="InvalidOperationException">The event type has a handler already.</exception>
    public void Add(HandlerRegistration added)
    {
        // One subscription serves all handlers and an event is acked once, so two handlers could not fail apart.
        if (Handlers.Find(h => h.Event == added.Event) is { } first)
            throw new InvalidOperationException($"{added.Event} is handled by {first.Handler} already; {added.Handler} cannot handle it too. Let one handler do both, or give the second a client type of its own.");
        Handlers.Add(added);
    }
}
