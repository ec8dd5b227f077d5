using Sequent.Bus.Storage;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>What the model knows of an event.</summary>
internal sealed class ModelEvent(long position, string key, string type, uint value)
{
    private State _saved;
    private State _beingSaved;

    public long Position { get; } = position;

    public string Key { get; } = key;

    public string Type { get; } = type;

    public EventHeader Header { get; } = new(position, key, value, type);

    public bool IsOwed { get; set; }

    public bool IsSettled { get; set; }

    public bool IsDead { get; set; }

    public bool IsRedriven { get; set; }

    public bool WasDelivered { get; set; }

    /// <summary>It is on its way to the dead letters, as far as the model can tell.</summary>
    public bool IsHeld { get; set; }

    public int Failures { get; set; }

    public int Losses { get; set; }

    public long? LastLoss { get; set; }

    public ModelInstance? Holder { get; set; }

    public long Delivery { get; set; }

    /// <summary>Since when this delivery is the head of its key, or null.</summary>
    public long? HeadSince { get; set; }

    public long ExtendedUntil { get; set; }

    /// <summary>It failed, and does not come again before this.</summary>
    public long NotBefore { get; set; }

    public bool IsOpen => IsOwed && !IsSettled;

    public void BeginSave() => _beingSaved = new State(IsSettled || IsHeld, Failures, Losses, IsOwed, IsDead || IsHeld, IsRedriven);

    public void EndSave() => _saved = _beingSaved;

    /// <summary>A dead letter was saved of which the model did not know when the save began.</summary>
    public void MakeDeadDurably() => _saved = _saved with { IsSettled = true, IsDead = true, IsRedriven = false };

    public void Take(ModelInstance holder, long delivery) => (Holder, Delivery, HeadSince, WasDelivered) = (holder, delivery, null, true);

    public void GiveBack() => (Holder, Delivery, HeadSince, ExtendedUntil) = (null, 0, null, 0);

    public void Settle()
    {
        GiveBack();
        (IsSettled, IsHeld) = (true, false);
    }

    /// <summary>The process died: back to what was saved.</summary>
    public void Forget()
    {
        GiveBack();
        (IsSettled, Failures, Losses, IsOwed, IsDead, IsRedriven) = (_saved.IsSettled, _saved.Failures, _saved.Losses, _saved.IsOwed, _saved.IsDead, _saved.IsRedriven);
        (IsHeld, LastLoss) = (false, null);
    }

    private readonly record struct State(bool IsSettled, int Failures, int Losses, bool IsOwed, bool IsDead, bool IsRedriven);
}
