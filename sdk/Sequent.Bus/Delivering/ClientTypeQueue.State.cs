using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What survives a restart.</summary>
internal sealed partial class ClientTypeQueue
{
    private readonly HashSet<KeyLane> _changed = [];
    private bool _cursorChanged;
    private bool _interestChanged;

    /// <summary>Something is not saved yet.</summary>
    public bool HasChanges => _cursorChanged || HasUrgentChanges;

    /// <summary>Something is not saved yet that a crash would bring back. (A cursor that only passed events nobody is owed is no loss.)</summary>
    public bool HasUrgentChanges => _interestChanged || _changed.Count > 0;

    /// <summary>Brings back the debt of one key. Called before any instance joins.</summary>
    /// <param name="debt">As saved.</param>
    /// <param name="chain">The events of the key from the first unacked one to the cursor.</param>
    public void Restore(KeyDebtRecord debt, IEnumerable<EventHeader> chain)
    {
        var failures = debt.Failures.ToDictionary();
        var lane = LaneOf(debt.Key);
        lane.IsSaved = true;
        foreach (var header in chain.Where(h => _interest.TakesAt(h.Position, h.EventType)))
        {
            var e = lane.Append(header);
            e.WasSent = true;
            e.IsAcked = debt.AckedAhead.Any(r => r.First <= header.Position && header.Position <= r.Last);
            e.Failures = failures.GetValueOrDefault(header.Position);
            _unsettled++;
        }

        lane.Rewind();
        if (lane.First is null)
        {
            _changed.Add(lane);
            _lanes.Remove(lane.Key);
            return;
        }

        WaitForAnybody(lane);
    }

    /// <summary>What is not saved yet, and forgets that it is not. If saving fails, <see cref="NotSaved"/> takes it back.</summary>
    public ClientTypeChanges TakeChanges()
    {
        var debts = new List<KeyDebtRecord>();
        var settled = new List<string>();
        foreach (var lane in _changed)
        {
            if (lane.First is not null)
                debts.Add(Record(lane));
            else if (lane.IsSaved)
                settled.Add(lane.Key);
            lane.IsSaved = lane.First is not null;
        }

        if (_interestChanged)
            _interest.Forget(OldestDebt());
        var changes = new ClientTypeChanges(Name, Cursor, _interestChanged ? _interest.Changes : null, debts, settled);
        _changed.Clear();
        _cursorChanged = _interestChanged = false;
        return changes;
    }

    /// <summary>Saving failed: all of it is to be saved again.</summary>
    public void NotSaved(ClientTypeChanges changes)
    {
        _cursorChanged = true;
        _interestChanged |= changes.Interest is not null;
        foreach (var key in changes.Debts.Select(d => d.Key).Concat(changes.SettledKeys))
        {
            // A key without debt needs no lane to be deleted from the store.
            var lane = _lanes.GetValueOrDefault(key) ?? new KeyLane(key);
            lane.IsSaved = true;
            _changed.Add(lane);
        }
    }

    private void MarkChanged(KeyLane lane) => _changed.Add(lane);

    private long OldestDebt() =>
        _lanes.Values.Where(l => l.First is not null).Select(l => l.First!.Position).DefaultIfEmpty(Cursor + 1).Min();

    private static KeyDebtRecord Record(KeyLane lane) => new(
        lane.Key,
        lane.First!.Position,
        AckedRanges(lane),
        [.. lane.Events().Where(e => e.Failures > 0).Select(e => KeyValuePair.Create(e.Position, e.Failures))]);

    private static List<PositionRange> AckedRanges(KeyLane lane)
    {
        var ranges = new List<PositionRange>();
        Unsettled? before = null;
        foreach (var e in lane.Events())
        {
            if (e.IsAcked && before is { IsAcked: true })
                ranges[^1] = ranges[^1] with { Last = e.Position };
            else if (e.IsAcked)
                ranges.Add(new PositionRange(e.Position, e.Position));
            before = e;
        }

        return ranges;
    }
}
