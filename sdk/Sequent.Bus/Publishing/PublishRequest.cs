using System.Diagnostics;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Publishing;

/// <summary>One <c>new</c> on its way to the sequencer.</summary>
/// <param name="Message">What the client sent.</param>
/// <param name="Producer">The connection it came from.</param>
/// <param name="Version">The protocol of the session; v1 sessions see only v1 statuses.</param>
/// <param name="Answer">Called exactly once, in the order of the session's requests. It must not block.</param>
internal sealed record PublishRequest(NewMessage Message, Producer Producer, ProtocolVersion Version, Action<PublishRequest, PublishResult> Answer)
{
    /// <summary>The length of the message it came with, in bytes: the data of its events is a part of that, so it keeps all of it in memory.</summary>
    public long FrameBytes { get; init; }

    /// <summary>Roughly what it keeps in memory, in bytes.</summary>
    public long Bytes => FrameBytes + _eventBytes;

    private readonly long _eventBytes = BytesOf(Message.Events);

    /// <summary>Its part of the trace it came with, or null.</summary>
    public Activity? Span { get; init; }

    /// <summary>v1: when it first met a failing store (a timestamp of the bus's clock), or null.</summary>
    public long? KeptSince { get; set; }

    private static long BytesOf(IReadOnlyList<NewEvent> events)
    {
        var bytes = 0L;
        for (var i = 0; i < events.Count; i++)
            bytes += 300 + events[i].Data.Length + (2 * events[i].Key.Length);
        return bytes;
    }
}

/// <summary>What became of a <c>new</c>.</summary>
/// <param name="Kind">Whether it was decided.</param>
/// <param name="Entries">Decided: one entry per event, in order.</param>
/// <param name="TimeMicros">Decided: when, in microseconds since the Unix epoch.</param>
internal readonly record struct PublishResult(PublishResultKind Kind, IReadOnlyList<ReceiptEntry> Entries, long TimeMicros);

/// <summary>How the processing of a <c>new</c> ended.</summary>
internal enum PublishResultKind
{
    /// <summary>Every event has its receipt.</summary>
    Decided,

    /// <summary>Nothing of it is stored; it may be sent again.</summary>
    StoreUnavailable,

    /// <summary>Nobody knows whether it is stored: the session must end without an answer.</summary>
    OutcomeUnknown,
}
