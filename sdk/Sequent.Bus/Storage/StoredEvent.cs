using System.Buffers;
using Sequent.Protocol;

namespace Sequent.Bus.Storage;

/// <summary>An event with its place in the log. Immutable; <see cref="Data"/> is never written to again.</summary>
internal sealed class StoredEvent
{
    /// <summary>What grew beyond this for a long event is not kept for the next one, in bytes.</summary>
    private const int MaxKeptText = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _text;

    private byte[]? _v1Text;
    private byte[]? _v2Body;

    public required long Position { get; init; }

    public required string Key { get; init; }

    public required uint Value { get; init; }

    /// <summary>The position of the event before this one under its key, or 0: the key's chain.</summary>
    public required long Previous { get; init; }

    public required string EventType { get; init; }

    public required uint CorrelationId { get; init; }

    /// <summary>The data as published, UTF-8.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    public required Producer Producer { get; init; }

    /// <summary>Microseconds since the Unix epoch. Never runs backwards along the log.</summary>
    public required long TimeMicros { get; init; }

    public Guid? EventId { get; init; }

    public string? TraceParent { get; init; }

    public string? TraceState { get; init; }

    public string? ContentType { get; init; }

    public EventHeader Header => new(Position, Key, Value, EventType);

    public DateTimeOffset Time => DateTimeOffset.UnixEpoch.AddMicroseconds(TimeMicros);

    /// <summary>Roughly what the event costs in memory, in bytes: its data, with as much again of the message it came in, and its texts, the two printed texts that hold them again, and about 1,000 for the rest.</summary>
    public int ApproximateSize =>
        1_000 + (4 * Data.Length) + (4 * (Key.Length + EventType.Length + (TraceParent?.Length ?? 0) + (TraceState?.Length ?? 0) + (ContentType?.Length ?? 0)));

    /// <summary>The event as a v1 <c>event</c> message. Printed once and shared; two threads may print it at once, to the same text.</summary>
    public ReadOnlyMemory<byte> V1Text(TimeZoneInfo zone)
    {
        if (_v1Text is null)
        {
            var text = BeginText();
            EventWriter.WriteV1(ToWire(), "event", zone, text);
            _v1Text = EndText(text);
        }

        return _v1Text;
    }

    /// <summary>The event as v2 knows it, without its closing brace. Printed once and shared.</summary>
    public ReadOnlySpan<byte> V2Body(TimeZoneInfo zone)
    {
        if (_v2Body is null)
        {
            var text = BeginText();
            EventWriter.WriteBody(ToWire(), zone, text);
            _v2Body = EndText(text);
        }

        return _v2Body;
    }

    public WireEvent ToWire() => new(Key, Value, CorrelationId, EventType, Data)
    {
        Sender = Producer.Sender,
        SessionId = Producer.SessionId,
        Time = Time,
        Position = Position,
        EventId = EventId,
        TraceParent = TraceParent,
        TraceState = TraceState,
        ContentType = ContentType,
    };

    private static ArrayBufferWriter<byte> BeginText()
    {
        var text = _text ?? new ArrayBufferWriter<byte>();
        text.ResetWrittenCount();
        return text;
    }

    private static byte[] EndText(ArrayBufferWriter<byte> text)
    {
        _text = text.Capacity <= MaxKeptText ? text : null;
        return text.WrittenSpan.ToArray();
    }
}

/// <summary>The connection an event came from.</summary>
/// <param name="SessionId">Random, the full range of 64 bits, one per connection.</param>
/// <param name="Sender">Its address in the form of the original bus, such as <c>V4(127.0.0.1:45837)</c>.</param>
internal sealed record Producer(ulong SessionId, string Sender);

/// <summary>Where an event id is stored.</summary>
internal readonly record struct StoredPlace(string Key, uint Value, long Position, string EventType);

/// <summary>The end of a key: its last value and where that stands.</summary>
internal readonly record struct KeyEnd(uint Value, long Position);
