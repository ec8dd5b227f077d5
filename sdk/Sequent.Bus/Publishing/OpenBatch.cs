using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Publishing;

/// <summary>
/// The events accepted since the last commit, and the judge of further ones: an event is accepted only if its value is the one
/// after the last accepted for its key. Pure; the ids that are stored already are handed in. A table has one, used again for every commit.
/// </summary>
internal sealed class OpenBatch(SequenceTable table)
{
    /// <summary>What grew for more events than this is not kept for the batches that follow.</summary>
    private const int MaxKept = 8_192;

    private readonly List<StoredEvent> _events = [];
    private readonly Dictionary<string, KeyEnd> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, StoredPlace> _ids = [];

    /// <summary>What was accepted, with its positions.</summary>
    public IReadOnlyList<StoredEvent> Events => _events;

    /// <summary>The time of every event of this batch.</summary>
    public long TimeMicros { get; private set; }

    /// <summary>Starts anew.</summary>
    /// <param name="timeMicros">The time of every event, in microseconds since the Unix epoch.</param>
    public void Begin(long timeMicros)
    {
        End();
        TimeMicros = timeMicros;
    }

    /// <summary>Forgets everything, so that a bus that is idle keeps nothing of its last commit.</summary>
    public void End()
    {
        _events.Clear();
        _keys.Clear();
        _ids.Clear();
        if (_events.Capacity <= MaxKept)
            return;
        _events.TrimExcess();
        _keys.TrimExcess();
        _ids.TrimExcess();
    }

    /// <summary>Judges every event of a request and takes what is acceptable.</summary>
    /// <param name="request">The request.</param>
    /// <param name="stored">The places of those ids of the request that are stored already.</param>
    /// <returns>One entry per event, in order.</returns>
    public IReadOnlyList<ReceiptEntry> Decide(PublishRequest request, IReadOnlyDictionary<Guid, StoredPlace> stored)
    {
        if (request.Message.Atomic && request.Message.Events.Count > 0)
            return DecideAtomic(request, stored);

        var entries = new ReceiptEntry[request.Message.Events.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            var e = request.Message.Events[i];
            entries[i] = e.EventId is { } id && FindId(id, stored) is { } place ? Duplicate(id, place) : DecideOne(e, request);
        }

        return entries;
    }

    private KeyEnd? FindKey(string key) => _keys.TryGetValue(key, out var end) ? end : table.Find(key);

    private StoredPlace? FindId(Guid id, IReadOnlyDictionary<Guid, StoredPlace> stored) =>
        stored.TryGetValue(id, out var place) || _ids.TryGetValue(id, out place) ? place : null;

    private ReceiptEntry DecideOne(NewEvent e, PublishRequest request)
    {
        var end = FindKey(e.Key);
        if (end is { Value: uint.MaxValue })
        {
            return request.Version == ProtocolVersion.V1
                ? new ReceiptEntry(ReceiptStatus.Inconsistent)
                : Rejected(e, RejectReasons.KeyExhausted);
        }

        var expected = end is { } last ? last.Value + 1 : 0;
        if (e.Value is { } value && value != expected)
            return new ReceiptEntry(ReceiptStatus.Inconsistent) { Key = e.Key, Value = value, EventId = e.EventId, Expected = expected };

        return Accept(e, expected, end?.Position ?? 0, request);
    }

    private ReceiptEntry Accept(NewEvent e, uint value, long previous, PublishRequest request)
    {
        var stored = new StoredEvent
        {
            Position = table.Head + _events.Count + 1,
            Key = e.Key,
            Value = value,
            Previous = previous,
            EventType = e.EventType,
            CorrelationId = e.CorrelationId,
            // A slice keeps its whole frame in memory for as long as the event is; one that is mostly this event's data may stay.
            Data = 2 * e.Data.Length >= request.FrameBytes && request.FrameBytes > 0 ? e.Data : e.Data.ToArray(),
            Producer = request.Producer,
            TimeMicros = TimeMicros,
            EventId = e.EventId,
            TraceParent = e.TraceParent,
            TraceState = e.TraceState,
            ContentType = e.ContentType,
        };
        _events.Add(stored);
        _keys[e.Key] = new KeyEnd(value, stored.Position);
        if (e.EventId is { } id)
            _ids[id] = new StoredPlace(e.Key, value, stored.Position, e.EventType);
        return new ReceiptEntry(ReceiptStatus.Success) { Key = e.Key, Value = value, Position = stored.Position, EventId = e.EventId };
    }

    /// <summary>
    /// All or none. The batch is one decision, named by its first event's id: if that is stored, the first decision stands and every
    /// event answers duplicate, whatever else the batch holds.
    /// </summary>
    private ReceiptEntry[] DecideAtomic(PublishRequest request, IReadOnlyDictionary<Guid, StoredPlace> stored)
    {
        var events = request.Message.Events;
        if (events[0].EventId is { } name && FindId(name, stored) is not null)
        {
            return [.. events.Select(e => e.EventId is { } id && FindId(id, stored) is { } place
                ? Duplicate(id, place)
                : new ReceiptEntry(ReceiptStatus.Duplicate) { EventId = e.EventId })];
        }

        if (FailedExpectations(request.Message) is { } moved)
        {
            // Told once: in every entry it would make the receipt of a full message gigabytes.
            return [.. events.Select((e, i) => Rejected(e, RejectReasons.ExpectFailed) with { Expect = i == 0 ? moved : null })];
        }

        var mark = new Mark(_events.Count);
        var entries = new ReceiptEntry[events.Count];
        var failed = false;
        for (var i = 0; i < entries.Length; i++)
        {
            var e = events[i];
            mark.Keep(e.Key, _keys);
            entries[i] = e.EventId is { } id && FindId(id, stored) is not null
                ? Rejected(e, RejectReasons.EventIdConflict)
                : DecideOne(e, request);
            failed |= entries[i].Status != ReceiptStatus.Success;
        }

        if (!failed)
            return entries;
        RollBack(mark);
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Status == ReceiptStatus.Success)
                entries[i] = Rejected(events[i], RejectReasons.AtomicBatchFailed);
        }

        return entries;
    }

    private Dictionary<string, uint?>? FailedExpectations(NewMessage message)
    {
        Dictionary<string, uint?>? moved = null;
        foreach (var (key, expected) in message.Expect ?? new Dictionary<string, uint?>())
        {
            var last = FindKey(key)?.Value;
            if (last != expected)
                (moved ??= new(StringComparer.Ordinal))[key] = last;
        }

        return moved;
    }

    private void RollBack(Mark mark)
    {
        foreach (var e in _events.Skip(mark.Count))
        {
            if (e.EventId is { } id)
                _ids.Remove(id);
        }

        _events.RemoveRange(mark.Count, _events.Count - mark.Count);
        foreach (var (key, end) in mark.Keys)
        {
            if (end is { } former)
                _keys[key] = former;
            else
                _keys.Remove(key);
        }
    }

    private static ReceiptEntry Duplicate(Guid id, StoredPlace place) => new(ReceiptStatus.Duplicate)
    {
        Key = place.Key,
        Value = place.Value,
        Position = place.Position,
        EventType = place.EventType,
        EventId = id,
    };

    private static ReceiptEntry Rejected(NewEvent e, string reason) =>
        new(ReceiptStatus.Rejected) { Key = e.Key, Value = e.Value, EventId = e.EventId, Reason = reason };

    /// <summary>Where a batch stood before an atomic request, so that a failed one leaves no trace.</summary>
    private sealed class Mark(int count)
    {
        public int Count { get; } = count;

        public Dictionary<string, KeyEnd?> Keys { get; } = new(StringComparer.Ordinal);

        public void Keep(string key, Dictionary<string, KeyEnd> overlay) => Keys.TryAdd(key, overlay.TryGetValue(key, out var end) ? end : null);
    }
}
