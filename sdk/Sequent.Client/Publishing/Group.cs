using System.Text;
using Sequent.Protocol;

namespace Sequent.Client.Publishing;

/// <summary>
/// What waited while a frame was being sent goes out as one message: batching by load, so nothing waits for it. Atomic batches go alone, and so does
/// what the bus may refuse, so that nobody else's publish is refused with it.
/// </summary>
internal sealed class Group
{
    /// <summary>What surrounds an event on the wire, in bytes: names of fields, ids, punctuation.</summary>
    private const int EventOverhead = 400;

    /// <summary>The most an UTF-16 character takes in a JSON text, in bytes.</summary>
    private const int MaxCharacterBytes = 6;

    private readonly BusLimits _limits;
    private readonly List<PendingPublish> _members = [];
    private long _events;
    private long _bytes = EventOverhead;

    public Group(BusLimits limits, PendingPublish first)
    {
        _limits = limits;
        TakesMore = IsShareable(first);
        Add(first);
    }

    public IReadOnlyList<PendingPublish> Members => _members;

    /// <summary>The first one is such that others may join it.</summary>
    public bool TakesMore { get; }

    /// <summary>Whether another one may go with those that are here.</summary>
    public bool Takes(PendingPublish next) =>
        TakesMore && IsShareable(next) && _events + next.Message.Events.Count <= _limits.EventsPerMessage && _bytes + Bytes(next) <= _limits.MessageBytes;

    public void Add(PendingPublish next)
    {
        _members.Add(next);
        _events += next.Message.Events.Count;
        _bytes += Bytes(next);
    }

    private bool IsShareable(PendingPublish publish)
    {
        if (publish.Message.Atomic || publish.LogId is not null)
            return false;
        for (var i = 0; i < publish.Message.Events.Count; i++)
        {
            var e = publish.Message.Events[i];
            if (!Fits(e.Key, _limits.KeyBytes) || !Fits(e.EventType, _limits.EventTypeBytes))
                return false;
        }

        return true;
    }

    private static bool Fits(string text, int maxBytes) => text.Length * 3 <= maxBytes || Encoding.UTF8.GetByteCount(text) <= maxBytes;

    private static long Bytes(PendingPublish publish)
    {
        var bytes = 0L;
        for (var i = 0; i < publish.Message.Events.Count; i++)
        {
            var e = publish.Message.Events[i];
            bytes += EventOverhead + e.Data.Length + ((long)MaxCharacterBytes * (e.Key.Length + e.EventType.Length + (e.TraceParent?.Length ?? 0) + (e.TraceState?.Length ?? 0)));
        }

        return bytes;
    }
}
