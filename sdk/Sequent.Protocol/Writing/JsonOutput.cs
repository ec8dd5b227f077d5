using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sequent.Protocol;

/// <summary>How every message is printed: compact, and with only what must be escaped escaped.</summary>
internal static class JsonOutput
{
    // Validation is off because the writers below only ever produce well-formed structures, and data was validated when it was read.
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = WireNames.MaxDepth + 10,
    };

    private static readonly ArrayBufferWriter<byte> Nowhere = new();

    [ThreadStatic]
    private static Utf8JsonWriter? _spare;

    /// <summary>A writer that is used again after <see cref="End"/>, by a caller that uses no other meanwhile.</summary>
    public static Utf8JsonWriter Begin(IBufferWriter<byte> output)
    {
        if (_spare is not { } json)
            return To(output);
        _spare = null;
        json.Reset(output);
        return json;
    }

    public static void End(Utf8JsonWriter json)
    {
        json.Flush();

        // Not to keep in memory what it has written.
        json.Reset(Nowhere);
        _spare = json;
    }

    public static Utf8JsonWriter To(IBufferWriter<byte> output) => new(output, Options);

    /// <summary>The sequence pair of an event to publish; without a value <c>*</c>, the next one.</summary>
    public static void WriteConsistency(this Utf8JsonWriter json, NewEvent e)
    {
        json.WriteStartObject("consistency"u8);
        json.WriteString("key"u8, e.Key);
        if (e.Value is { } value)
            json.WriteNumber("value"u8, value);
        else
            json.WriteString("value"u8, "*"u8);
        json.WriteEndObject();
    }

    public static void WriteStrings(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    public static void WriteNumbers(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<long> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    public static void WriteLastValues(this Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyDictionary<string, uint?> values)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in values)
        {
            if (value is { } last)
                json.WriteNumber(key, last);
            else
                json.WriteNull(key);
        }

        json.WriteEndObject();
    }

    public static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    public static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
    }

    public static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, Guid? value)
    {
        if (value is { } id)
            json.WriteString(name, id);
    }
}
