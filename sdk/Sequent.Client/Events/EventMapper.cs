using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Sequent.Protocol;

namespace Sequent.Client.Events;

/// <summary>Turns data into JSON and back, by the catalog's types.</summary>
internal sealed class EventMapper(EventCatalog catalog, JsonSerializerOptions options)
{
    /// <summary>Data stands inside an event, inside a list, inside a message.</summary>
    private const int DataDepth = WireNames.MaxDepth - 3;

    private readonly JsonSerializerOptions _options = ReflectionJson.Complete(options);

    /// <summary>Prints data, and checks here what the bus could refuse only without saying which event it was.</summary>
    /// <exception cref="ArgumentException">The key is not valid text.</exception>
    /// <exception cref="InvalidOperationException">The type's name is another type's.</exception>
    /// <exception cref="NotSupportedException">There is no JSON metadata for the type.</exception>
    /// <exception cref="ProtocolException">The JSON is not acceptable.</exception>
    public NewEvent ToNew(object data, string key, uint? value, Guid id, uint correlationId, string? traceParent)
    {
        ArgumentNullException.ThrowIfNull(data);
        WireText.Require(key);
        var entry = catalog.Map(data.GetType());
        var json = JsonSerializer.SerializeToUtf8Bytes(data, TypeInfo(entry));
        StrictJson.Validate(json, DataDepth);
        return new NewEvent(key, value, correlationId, entry.Name, json) { EventId = id, TraceParent = traceParent };
    }

    public RecordedEvent ToRecorded(WireEvent wire) => ToRecorded(wire, needsType: false);

    /// <param name="wire">The event as the bus sent it.</param>
    /// <param name="needsType">Data of a type that is not in the catalog is a mistake, because a state is folded from it.</param>
    public RecordedEvent ToRecorded(WireEvent wire, bool needsType) => new(this, needsType)
    {
        EventType = wire.EventType,
        Json = wire.Data,
        Key = wire.Key,
        Value = wire.Value,
        Position = wire.Position,
        EventId = wire.EventId,
        CorrelationId = wire.CorrelationId,
        Time = wire.Time,
        TraceParent = wire.TraceParent,
        TraceState = wire.TraceState,
    };

    /// <exception cref="JsonException">The JSON does not fit the type.</exception>
    /// <exception cref="InvalidOperationException">It has no type and needs one.</exception>
    public object Read(RecordedEvent e, bool needsType)
    {
        if (catalog.Find(e.EventType) is not { } entry)
        {
            if (needsType)
                throw new InvalidOperationException($"The event {e} has no .NET type here, and a state folded without it would be wrong. Add it with options.Events.Add<{e.EventType}>(), or look at EventType before Data to pass over it on purpose.");
            return ReadRaw(e);
        }

        try
        {
            var data = entry.Upcast is null
                ? JsonSerializer.Deserialize(e.Json.Span, TypeInfo(entry))
                : JsonSerializer.Deserialize(Upcast(e, entry.Upcast), TypeInfo(entry));
            return data ?? throw new JsonException("null is no event.");
        }
        catch (JsonException fault)
        {
            throw new JsonException($"The data of {e} cannot be read as {entry.Type}.", fault);
        }
    }

    /// <summary>The data of an event, of whatever type.</summary>
    public static JsonElement ReadRaw(RecordedEvent e)
    {
        var reader = new Utf8JsonReader(e.Json.Span, new JsonReaderOptions { MaxDepth = WireNames.MaxDepth });
        return JsonElement.ParseValue(ref reader);
    }

    private static JsonNode Upcast(RecordedEvent e, Func<JsonNode, JsonNode> upcast)
    {
        var data = JsonNode.Parse(e.Json.Span, documentOptions: new JsonDocumentOptions { MaxDepth = WireNames.MaxDepth }) ?? throw new JsonException("null is no event.");
        try
        {
            return upcast(data);
        }
        catch (Exception fault) when (fault is not JsonException)
        {
            throw new JsonException($"The upcaster of {e.EventType} failed.", fault);
        }
    }

    /// <summary>Finds the JSON metadata of every type of the catalog, so that a missing one shows at the start.</summary>
    /// <exception cref="NotSupportedException">There is no metadata for a type; the message names it.</exception>
    public void Validate()
    {
        foreach (var entry in catalog.Entries)
            TypeInfo(entry);
    }

    // A former name of a type has the metadata of the type's own entry, whenever that was added.
    private JsonTypeInfo TypeInfo(EventCatalog.Entry entry) => catalog.Map(entry.Type).Json ?? (_options.TryGetTypeInfo(entry.Type, out var found)
        ? found
        : throw new NotSupportedException($"There is no JSON metadata for {entry.Type}, and this program was published without reflection for JSON, or was given a resolver of its own. Add [JsonSerializable(typeof({entry.Type.Name}))] to the JsonSerializerContext whose Options are the client's options.Json, or add the type with its metadata: options.Events.Add(MyContext.Default.{entry.Type.Name})."));
}
