using Sequent.Bus.Storage;

namespace Sequent.Bus.Publishing;

/// <summary>
/// The last value of every key, and the end of the log. Pure: no I/O, no clock. <see cref="Open"/> starts a batch that judges
/// events against the table plus what the batch itself has accepted, and changes nothing here; <see cref="Apply"/> makes a batch
/// part of the table once it is durable.
/// </summary>
internal sealed class SequenceTable
{
    private readonly Dictionary<string, KeyEnd> _keys = new(StringComparer.Ordinal);
    private readonly OpenBatch _batch;

    public SequenceTable() => _batch = new OpenBatch(this);

    /// <summary>The last position of the log, or 0.</summary>
    public long Head { get; private set; }

    /// <summary>The time of the last event, in microseconds since the Unix epoch, or 0.</summary>
    public long TimeMicros { get; private set; }

    /// <summary>How many keys there are.</summary>
    public int Count => _keys.Count;

    /// <summary>Where the key ends, or null if it has no event.</summary>
    public KeyEnd? Find(string key) => _keys.TryGetValue(key, out var end) ? end : null;

    /// <summary>Takes over what the store knows. Called before anything else.</summary>
    public void Restore(string key, KeyEnd end) => _keys[key] = end;

    /// <summary>Takes over the end of the log. Called before anything else.</summary>
    public void Restore(LogEnd end) => (Head, TimeMicros) = (end.Position, end.TimeMicros);

    /// <summary>
    /// Starts a batch; the former one ends, and its events are no longer listed. Event time never runs backwards: a clock that stepped back is ignored until it
    /// has caught up.
    /// </summary>
    public OpenBatch Open(long nowMicros)
    {
        _batch.Begin(Math.Max(nowMicros, TimeMicros));
        return _batch;
    }

    /// <summary>The batch is over, however it ended.</summary>
    public void Close() => _batch.End();

    /// <summary>Makes a durable batch part of the table.</summary>
    public void Apply(OpenBatch batch)
    {
        foreach (var e in batch.Events)
            _keys[e.Key] = new KeyEnd(e.Value, e.Position);
        Head += batch.Events.Count;
        if (batch.Events.Count > 0)
            TimeMicros = batch.TimeMicros;
    }
}
