using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>What counts against one event at one client type, as its consumers know it.</summary>
internal sealed class EventRecord
{
    // When it was known that a failure had been counted.
    private readonly List<TimeSpan> _failures = [];
    private (int Failures, int Asked, int Losses) _former;
    private TimeSpan? _lastLoss;
    private TimeSpan? _redrivenAt;

    /// <summary>Failures that the bus may have counted.</summary>
    public int MostFailures { get; set; }

    /// <summary>Failures that the bus has surely counted, and not forgotten.</summary>
    public int LeastFailures => _failures.Count;

    /// <summary>How often somebody asked for it to be a dead letter.</summary>
    public int Asked { get; set; }

    public int Losses { get; private set; }

    /// <summary>After a nack it does not come before this.</summary>
    public TimeSpan NotBefore { get; set; }

    /// <summary>The dead letter that was last found to be deserved.</summary>
    public DeadLetter? Judged { get; set; }

    /// <summary>A delivery failed. One that was perhaps sent before the event was redriven may belong to its former life.</summary>
    public void NoteFailure(TimeSpan at, TimeSpan sentAt)
    {
        if (!(sentAt <= _redrivenAt))
            _failures.Add(at);
    }

    /// <summary>Sessions lost within 5 s over the same event count once.</summary>
    public void NoteLoss(TimeSpan at)
    {
        if (at - _lastLoss < TimeSpan.FromSeconds(5))
            return;
        _lastLoss = at;
        Losses++;
    }

    /// <summary>It gets another chance.</summary>
    public void Redrive(TimeSpan at)
    {
        _redrivenAt = at;
        _former = (_former.Failures + MostFailures, _former.Asked + Asked, _former.Losses + Losses);
        (MostFailures, Asked, Losses, NotBefore) = (0, 0, 0, TimeSpan.Zero);
        _failures.Clear();
    }

    /// <summary>The process ended: times are forgotten.</summary>
    public void NoteEnd() => (NotBefore, _lastLoss) = (TimeSpan.Zero, null);

    /// <summary>It crashed: what was not durable may be forgotten.</summary>
    public void NoteCrash(TimeSpan durableBefore) => _failures.RemoveAll(at => at >= durableBefore);

    /// <summary>The disk went back in time, perhaps to before a redrive.</summary>
    public void NotePowerFailure()
    {
        (MostFailures, Asked, Losses) = (MostFailures + _former.Failures, Asked + _former.Asked, Losses + _former.Losses);
        (_former, Judged) = (default, null);
    }
}
