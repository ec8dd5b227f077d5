using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Sequent.Client;

/// <summary>
/// Which name on the wire stands for which .NET type. Events of names that are not in it are read as
/// <see cref="System.Text.Json.JsonElement"/>; a type that is not in it is added when it is first published. Safe for concurrent use.
/// </summary>
public sealed class EventCatalog
{
    private readonly ConcurrentDictionary<string, Entry> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Type, Entry> _byType = [];

    /// <summary>Adds a type under the name of its <see cref="EventTypeAttribute"/>, or its own.</summary>
    /// <typeparam name="T">The type of the event's data. Its JSON metadata is taken from <see cref="SequentOptions.Json"/>.</typeparam>
    /// <exception cref="InvalidOperationException">Another type has the name already; the message names both.</exception>
    public EventCatalog Add<T>()
    {
        Add(typeof(T), null);
        return this;
    }

    /// <summary>Adds a type together with its JSON metadata, for trimmed and ahead-of-time compiled programs.</summary>
    /// <typeparam name="T">The type of the event's data.</typeparam>
    /// <param name="json">The metadata, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <exception cref="InvalidOperationException">Another type has the name already; the message names both.</exception>
    public EventCatalog Add<T>(JsonTypeInfo<T> json)
    {
        ArgumentNullException.ThrowIfNull(json);
        Add(typeof(T), json);
        return this;
    }

    /// <summary>
    /// Reads events of a name as <typeparamref name="T"/> after their data was brought into today's shape: old events of the type's own name, or events of a
    /// name it had earlier. Handlers of the type take both. What is stored stays as it is.
    /// </summary>
    /// <typeparam name="T">The type of the data in today's shape; it is added if it was not.</typeparam>
    /// <param name="eventType">The name on the wire.</param>
    /// <param name="upcast">
    /// Turns data of any shape the name ever had into today's: given every event of the name, so it has to leave alone what is in shape. May change its argument. A
    /// pure function: it may run any number of times.
    /// </param>
    /// <exception cref="InvalidOperationException">The name is another type's, or has an upcaster already.</exception>
    public EventCatalog Upcast<T>(string eventType, Func<JsonNode, JsonNode> upcast)
    {
        ArgumentNullException.ThrowIfNull(eventType);
        ArgumentNullException.ThrowIfNull(upcast);
        var own = Map(typeof(T));
        var entry = _byName.AddOrUpdate(
            eventType,
            name => new Entry(name, own.Type, null) { Upcast = upcast },
            (_, known) => known is { Upcast: null } && known.Type == typeof(T) ? known with { Upcast = upcast } : known);
        if (entry.Type != typeof(T))
            throw Taken(eventType, entry.Type, typeof(T));
        if (entry.Upcast != upcast)
            throw new InvalidOperationException($"The event name '{eventType}' has an upcaster already.");
        return this;
    }

    internal IEnumerable<Entry> Entries => _byName.Values;

    /// <summary>Every name whose events are read as a type: its own first.</summary>
    internal IReadOnlyList<string> NamesOf(Type type)
    {
        var own = Map(type).Name;
        return [own, .. _byName.Values.Where(e => e.Type == type && e.Name != own).Select(e => e.Name).Order(StringComparer.Ordinal)];
    }

    internal Entry? Find(string name) => _byName.GetValueOrDefault(name);

    internal Entry Map(Type type) => _byType.TryGetValue(type, out var known) ? known : Add(type, null);

    private Entry Add(Type type, JsonTypeInfo? json)
    {
        var name = NameOf(type);
        var entry = _byName.AddOrUpdate(name, _ => new Entry(name, type, json), (_, known) => known.Type == type && json is not null ? known with { Json = json } : known);
        if (entry.Type != type)
            throw Taken(name, entry.Type, type);
        return _byType[type] = entry;
    }

    private static InvalidOperationException Taken(string name, Type first, Type second) =>
        new($"The event name '{name}' is taken by {first}; {second} cannot have it too. Give one of them another name with [EventType].");

    private static string NameOf(Type type)
    {
        if (type.GetCustomAttribute<EventTypeAttribute>(inherit: false) is { } given)
            return given.Name;
        if (type.Name.Contains('<', StringComparison.Ordinal))
            throw new ArgumentException($"{type} has no name that services could share. Publish a named type, or one with [EventType].", nameof(type));
        var arity = type.Name.IndexOf('`', StringComparison.Ordinal);
        return arity < 0 ? type.Name : type.Name[..arity];
    }

    /// <summary>One name and its type; metadata that is null comes from the options. Of several names of a type its own has the metadata.</summary>
    internal sealed record Entry(string Name, Type Type, JsonTypeInfo? Json)
    {
        /// <summary>Brings data into today's shape; null: it is.</summary>
        public Func<JsonNode, JsonNode>? Upcast { get; init; }
    }
}
