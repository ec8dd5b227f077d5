using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What survives a restart.</summary>
internal sealed partial class ClientTypeQueue
{
    private readonly HashSet<KeyLane> _changed = [];
    private bool _cursorChanged;
    private bool _interestChanged;

    /// <summary>Something is not saved yet.</summary>
    public bool HasChanges => _cursorChanged || _interestChanged || _changed.Count > 0;

    /// <summary>Brings back the debt of one key. Called before any instance joins.</summary>
    /// <param name="debt">As saved.</param>
    /// <param name="chain">The events of the key from the first unacked one to the cursor.</param>
    public void Restore(KeyDebtRecord debt, IEnumerable<EventHeader> chain)
    {
        var acked = debt.AckedAhead.ToHashSet();
        var failures = debt.Failures.ToDictionary();
        var lane = LaneOf(debt.Key);
        lane.IsSaved = true;
        foreach (var header in chain.Where(h => _interest.TakesAt(h.Position, h.EventType)))
        {
            var e = lane.Append(header);
            e.WasSent = true;
            e.IsAcked = acked.Contains(header.Position);
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

        lane.WaitsIn = _unassigned;
        _unassigned.AddLast(lane);
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
            var lane = LaneOf(key);
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
        [.. lane.Events().Where(e => e.IsAcked).Select(e => e.Position)],
        [.. lane.Events().Where(e => e.Failures > 0).Select(e => KeyValuePair.Create(e.Position, e.Failures))]);
}
