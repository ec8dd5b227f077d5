using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What survives a restart.</summary>
internal sealed partial class ClientTypeQueue
{
    private readonly HashSet<KeyLane> _changed = [];
    private readonly SortedDictionary<long, Unsettled> _redriven = [];
    private List<DeadLetter> _letters = [];
    private List<long> _removedLetters = [];
    private bool _cursorChanged;
    private bool _interestChanged;
    private bool _redrivenChanged;
    private bool _startsOver;

    /// <summary>Something is not saved yet.</summary>
    public bool HasChanges => _cursorChanged || HasUrgentChanges;

    /// <summary>Something is not saved yet that a crash would bring back. (A cursor that only passed events nobody is owed is no loss.)</summary>
    public bool HasUrgentChanges => _interestChanged || _redrivenChanged || _startsOver || _changed.Count > 0 || HasDeadLetters;

    /// <summary>Keys whose debt changed since it was last saved.</summary>
    public int UnsavedKeys => _changed.Count;

    /// <summary>Something waits for being saved.</summary>
    public bool HasDeadLetters => _letters.Count > 0 || _removedLetters.Count > 0;

    /// <summary>What is not saved yet, and forgets that it is not: either <see cref="Saved"/> or <see cref="NotSaved"/> has to follow.</summary>
    public ClientTypeChanges TakeChanges()
    {
        var debts = new List<KeyDebtRecord>();
        var settled = new List<string>();
        foreach (var lane in _changed)
        {
            var debt = Record(lane);
            if (debt is not null)
                debts.Add(debt);
            else if (lane.IsSaved)
                settled.Add(lane.Key);
            lane.IsSaved = debt is not null;
        }

        if (_interestChanged)
            _interest.Forget(OldestDebt());
        var changes = new ClientTypeChanges(Name, Cursor)
        {
            Interest = _interestChanged ? _interest.Changes : null,
            Debts = debts,
            SettledKeys = settled,
            Redriven = _redrivenChanged ? [.. _redriven.Values.Where(e => !e.IsHeld).Select(e => e.Trouble)] : null,
            DeadLetters = _letters,
            RemovedDeadLetters = _removedLetters,
            StartsOver = _startsOver,
        };
        _changed.Clear();
        (_letters, _removedLetters) = ([], []);
        _cursorChanged = _interestChanged = _redrivenChanged = _startsOver = false;
        return changes;
    }

    /// <summary>The changes are durable: keys that waited for their dead letters go on.</summary>
    public void Saved(ClientTypeChanges changes)
    {
        foreach (var letter in changes.DeadLetters)
            Buried(letter);

        if (_hasMoreUntaken)
            HoldMoreUntaken();
        CountOldestAsAcked();
    }

    /// <summary>Saving failed: all of it is to be saved again.</summary>
    public void NotSaved(ClientTypeChanges changes)
    {
        _cursorChanged = true;
        _interestChanged |= changes.Interest is not null;
        _redrivenChanged |= changes.Redriven is not null;
        _startsOver |= changes.StartsOver;

        // After a reset meanwhile they are owed again.
        _letters = [.. changes.DeadLetters.Where(l => _held.ContainsKey(l.Position)), .. _letters];
        _removedLetters = [.. changes.RemovedDeadLetters, .. _removedLetters];
        foreach (var key in changes.Debts.Select(d => d.Key).Concat(changes.SettledKeys))
        {
            // A key without debt needs no lane to be deleted from the store.
            var lane = _lanes.GetValueOrDefault(key) ?? new KeyLane(key);
            lane.IsSaved = true;
            _changed.Add(lane);
        }
    }

    private void MarkChanged(KeyLane lane) => _changed.Add(lane);

    private void MarkTrouble(Unsettled e)
    {
        e.Lane.Mark(e);
        if (e.IsRedriven)
            _redrivenChanged = true;
        else
            MarkChanged(e.Lane);
    }

    private void MarkRedriven(Unsettled settled)
    {
        _redriven.Remove(settled.Position);
        _redrivenChanged = true;
    }

    private long OldestDebt() => _lanes.Values.Select(OldestDebt).DefaultIfEmpty(Cursor + 1).Min();

    private long OldestDebt(KeyLane lane) => lane.First?.Position ?? (lane.Missing is { } missing ? missing.After + 1 : Cursor + 1);

    /// <summary>What a lane owes, or null. What goes to the dead letters in the same save is not owed.</summary>
    private static KeyDebtRecord? Record(KeyLane lane)
    {
        var ranges = new List<PositionRange>();
        var troubles = new List<Trouble>();
        long? first = null;
        var wasSettled = false;
        foreach (var e in lane.Events())
        {
            if (first is not null && e.Position > lane.LastMarked)
                break;
            var isSettled = e.IsAcked || e.IsHeld;
            if (!isSettled)
                first ??= e.Position;
            if (first is null)
                continue;
            if (isSettled && wasSettled)
                ranges[^1] = ranges[^1] with { Last = e.Position };
            else if (isSettled)
                ranges.Add(new PositionRange(e.Position, e.Position));
            else if (e.HadTrouble)
                troubles.Add(e.Trouble);
            wasSettled = isSettled;
        }

        if (lane.Missing is { } missing)
        {
            first ??= missing.After + 1;
            ranges.AddRange(missing.AckedAhead);
            troubles.AddRange(missing.Troubles);
        }

        return first is { } firstUnacked ? new KeyDebtRecord(lane.Key, firstUnacked, ranges, troubles) : null;
    }
}
