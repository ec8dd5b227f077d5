using Sequent.Bus.Storage;

namespace Sequent.Bus.Delivering;

/// <summary>An event a client type owes: judged, and not settled yet.</summary>
internal sealed class Unsettled(KeyLane lane, EventHeader header)
{
    public KeyLane Lane { get; } = lane;

    public long Position { get; } = header.Position;

    public uint Value { get; } = header.Value;

    public string EventType { get; } = header.EventType;

    /// <summary>Nacks and expired deadlines so far.</summary>
    public int Failures { get; set; }

    /// <summary>Sessions lost so far while this was the head of its key.</summary>
    public int Losses { get; set; }

    /// <summary>When the last loss was counted (microseconds), or null.</summary>
    public long? LastLoss { get; set; }

    /// <summary>The number under which it is in flight, or 0.</summary>
    public long Delivery { get; set; }

    /// <summary>As the head of its key: when it counts as failed if it is not acked (microseconds).</summary>
    public long? Deadline { get; set; }

    /// <summary>Counts the deadlines it had: delivery numbers are not unique, because every session has its own.</summary>
    public int DeadlineRun { get; set; }

    /// <summary>Its instance works on it until then (microseconds), whatever the deadline.</summary>
    public long ExtendedUntil { get; set; }

    /// <summary>It failed, and is not sent again before this moment (microseconds).</summary>
    public long NotBefore { get; set; }

    /// <summary>Acked while an earlier event of the key is not.</summary>
    public bool IsAcked { get; set; }

    /// <summary>On its way to the dead letters.</summary>
    public bool IsHeld { get; set; }

    /// <summary>An operator wants it redriven as soon as it is a dead letter.</summary>
    public bool IsWantedAgain { get; set; }

    /// <summary>Somebody may have had it before.</summary>
    public bool WasSent { get; set; }

    /// <summary>A dead letter on its way again: it stands beside the order of its key.</summary>
    public bool IsRedriven { get; init; }

    public Unsettled? Next { get; set; }

    public bool HadTrouble => Failures > 0 || Losses > 0;

    /// <summary>What is worth keeping over a restart, if anything.</summary>
    public Trouble Trouble => new(Position, Failures, Losses);
}
