using Sequent.Protocol;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>An instance of a client type, old or new.</summary>
internal abstract class SimulatedConsumer(Simulation simulation, string name, string clientType, ProtocolVersion version) : SimulatedClient(simulation, name, version)
{
    public string ClientType { get; } = clientType;

    /// <summary>What it has, as far as it knows.</summary>
    public SortedDictionary<long, HeldDelivery> Held { get; } = [];

    /// <summary>What it acked since the bus was last seen to have heard it.</summary>
    public SortedDictionary<long, HeldDelivery> Acked { get; } = [];

    /// <summary>How many it takes at once, altogether and of one key.</summary>
    public (int All, int PerKey) Window { get; protected set; } = (int.MaxValue, int.MaxValue);

    /// <summary>Whatever it holds may be revoked at any moment, and nothing failed.</summary>
    public virtual bool IsEnding => false;

    /// <summary>There is something to finish before the run can end.</summary>
    public virtual bool IsBusy => Held.Count > 0;

    /// <summary>What arrives now was not sent before this.</summary>
    protected TimeSpan SentAt => IsCaughtUp ? Simulation.Elapsed : CaughtUpAt;

    public override void Leave()
    {
        if (Socket is not null)
            Simulation.Deliveries.NoteLeft(this);
        base.Leave();
        Held.Clear();
        Acked.Clear();
    }

    /// <summary>The ack of what was given back before settles nothing; it is about to be revoked.</summary>
    protected void NoteAck(HeldDelivery held)
    {
        if (held.IsGivenBack)
            return;
        Held.Remove(held.Delivery);
        Acked.Add(held.Delivery, held);
        Simulation.Deliveries.NoteAck(this, held);
    }
}

/// <summary>A delivery a consumer has.</summary>
internal sealed record HeldDelivery(long Delivery, long Position, string Key)
{
    /// <summary>It was not sent before this.</summary>
    public TimeSpan At { get; init; }

    /// <summary>It is a dead letter on its way again.</summary>
    public bool IsRedriven { get; init; }

    /// <summary>It was nacked, or an earlier one of its key.</summary>
    public bool IsGivenBack { get; set; }

    /// <summary>It was given back, or sent before the bus heard that an earlier one was, or may have been revoked for another reason.</summary>
    public bool IsDoubtful { get; set; }

    /// <summary>The nack that was sent and not answered yet, or null.</summary>
    public SentNack? Nack { get; set; }

    /// <summary>The deadline was put off until then, and whether the bus has surely heard so.</summary>
    public (TimeSpan Until, bool WasHeard) Extended { get; set; }
}

/// <summary>A nack.</summary>
/// <param name="At">When it was sent.</param>
/// <param name="Delay">How long the event waits at least.</param>
/// <param name="DeadLetter">It asked for a dead letter.</param>
internal sealed record SentNack(TimeSpan At, TimeSpan Delay, bool DeadLetter);
