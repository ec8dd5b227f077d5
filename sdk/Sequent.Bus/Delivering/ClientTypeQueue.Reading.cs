using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>What a walk along a key's chain should find: owed events that are not in memory.</summary>
/// <param name="Lane">The key.</param>
/// <param name="After">Only events after this position.</param>
/// <param name="Until">Only events up to this position.</param>
/// <param name="Max">So many of the oldest.</param>
internal readonly record struct DebtRead(KeyLane Lane, long After, long Until, int Max);

/// <summary>Owed events that are not in memory: those restored after a restart, and those that did not fit.</summary>
internal sealed partial class ClientTypeQueue
{
    /// <summary>Restored keys are read ahead of their turn only up to so many.</summary>
    private const int MaxReadAhead = 1_024;

    // Lanes that have nothing else to send, and those nobody has asked for yet since the restart.
    private readonly Queue<KeyLane> _toRead = new();
    private readonly Queue<KeyLane> _restored = new();
    private int _unreadRestored;

    /// <summary>Of some keys not all was read that was owed before a restart. There never come more of them.</summary>
    public bool HasRestored => _unreadRestored > 0;

    /// <summary>What is to be read next, for <see cref="Loaded"/> or <see cref="NotLoaded"/>.</summary>
    public IReadOnlyList<DebtRead> TakeReads(int max)
    {
        if (HasInstances && _inMemory < _limits.MaxInMemory)
        {
            // Beyond a few keys that wait for room, only as long as somebody has room: those keys may wait for somebody else.
            var hasRoom = _turns.Any(i => i.HasRoom);
            while (_toRead.Count < max && (_unassignedCount < MaxReadAhead || hasRoom) && _restored.TryDequeue(out var lane))
            {
                if (IsCurrent(lane) && lane.Missing is { } missing)
                    AskFor(lane, missing);
            }
        }

        var reads = new List<DebtRead>();
        var room = _limits.MaxInMemory - _inMemory;
        while (reads.Count < max && _toRead.TryDequeue(out var lane))
        {
            if (!IsCurrent(lane) || lane.Missing is not { } missing)
                continue;
            var read = new DebtRead(lane, missing.After, missing.Until, Math.Clamp(room, _limits.MinChain, _limits.MaxChain));
            room -= read.Max;
            reads.Add(read);
        }

        return reads;
    }

    /// <summary>What was found.</summary>
    /// <param name="read">As asked for.</param>
    /// <param name="found">The oldest events of the key in the range, ascending.</param>
    /// <param name="isAll">The range holds no more.</param>
    public void Loaded(DebtRead read, IReadOnlyList<EventHeader> found, bool isAll)
    {
        var lane = read.Lane;
        if (!IsCurrent(lane) || lane.Missing is not { } missing || missing.After != read.After)
            return;
        missing.IsAskedFor = false;
        foreach (var header in found.Where(h => _interest.TakesAt(h.Position, h.EventType)))
        {
            var e = lane.Append(header);
            var trouble = missing.TroubleOf(header.Position);
            (e.IsAcked, e.Failures, e.Losses) = (missing.IsAcked(header.Position), trouble.Failures, trouble.Losses);
            if (e.IsAcked || e.HadTrouble)
                lane.Mark(e);
            _inMemory++;
        }

        missing.After = isAll ? read.Until : found[^1].Position;
        if (read.After < missing.RestoredUntil && missing.After >= missing.RestoredUntil)
            _unreadRestored--;
        if (missing.After >= missing.Until)
            lane.Missing = null;
        _inMemory -= lane.DropSettled();
        lane.Rewind();
        MarkChanged(lane);
        AfterDebt(lane);
        Dispatch(lane);
        CountOldestAsAcked();
    }

    /// <summary>The log could not be read; it will be asked for again.</summary>
    public void NotLoaded(DebtRead read)
    {
        if (IsCurrent(read.Lane) && read.Lane.Missing is not null)
            _toRead.Enqueue(read.Lane);
    }

    private void Restore(KeyDebtRecord debt)
    {
        var lane = AddLane(debt.Key);
        lane.IsSaved = true;
        lane.Missing = new MissingEvents(debt.FirstUnacked - 1, Cursor, debt);
        if (lane.Missing.After < lane.Missing.RestoredUntil)
            _unreadRestored++;
        NoteDebt(lane);
        _restored.Enqueue(lane);
    }

    private void RestoreRedriven(Trouble trouble, EventHeader header)
    {
        var lane = _lanes.GetValueOrDefault(header.Key) ?? AddLane(header.Key);
        NoteDebt(lane);
        AddRedriven(lane, header, trouble);
        Wait(lane, UnassignedOf(header.EventType));
    }

    private void AskFor(KeyLane lane, MissingEvents missing)
    {
        if (missing.IsAskedFor)
            return;
        missing.IsAskedFor = true;
        _toRead.Enqueue(lane);
    }

    private bool IsCurrent(KeyLane lane) => _lanes.GetValueOrDefault(lane.Key) == lane;
}
