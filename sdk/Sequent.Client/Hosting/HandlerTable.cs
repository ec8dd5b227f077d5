namespace Sequent.Client.Hosting;

/// <summary>Which handler takes which event type, by their names on the wire.</summary>
internal sealed class HandlerTable
{
    private readonly Dictionary<string, HandlerRegistration> _byName = new(StringComparer.Ordinal);
    private readonly HandlerRegistration? _rest;

    /// <exception cref="InvalidOperationException">Two handlers take the same events.</exception>
    public HandlerTable(IEnumerable<HandlerRegistration> handlers, EventCatalog catalog)
    {
        foreach (var handler in handlers)
        {
            if (handler.TakesRest)
            {
                ThrowIfTaken("What no other handler takes", _rest, handler);
                _rest = handler;
            }

            foreach (var name in handler.Event is { } type ? catalog.NamesOf(type) : handler.RawTypes)
            {
                ThrowIfTaken(name, _byName.GetValueOrDefault(name), handler);
                _byName.Add(name, handler);
            }
        }
    }

    /// <summary>What the client type has to take.</summary>
    public IReadOnlyList<string> Types => _rest is null ? [.. _byName.Keys] : ["*"];

    public HandlerRegistration? Find(string eventType) => _byName.GetValueOrDefault(eventType) ?? _rest;

    // One subscription serves all handlers and an event is acked once, so two handlers could not fail apart.
    private static void ThrowIfTaken(string what, HandlerRegistration? first, HandlerRegistration second)
    {
        if (first is not null)
            throw new InvalidOperationException($"{what} is handled by {first.Handler} already; {second.Handler} cannot handle it too. Let one handler do both, or give the second a client type of its own.");
    }
}
