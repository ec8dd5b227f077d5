namespace Sequent.Bus.Tests.Simulation;

/// <summary>What kind of run a seed gives.</summary>
internal sealed class SimulationPlan(Random random)
{
    /// <summary>Failures after which an event is given up, in every run.</summary>
    public const int MaxDeliveries = 3;

    /// <summary>Connections are lost only while everything is at rest, so that it is known what each one held, and few losses are too many.</summary>
    public bool CountsLosses { get; } = random.Next(4) == 0;

    public TimeSpan? AckDeadline { get; } = random.Next(4) == 0 ? TimeSpan.FromMilliseconds(random.Next(200, 800)) : null;

    /// <summary>Durability <c>os</c>: a crash may be a power failure, which takes the last commits.</summary>
    public bool ForgetsUnsynced { get; } = random.Next(4) == 0;

    /// <summary>There is a v1 consumer, which acks or never does; null: there is none.</summary>
    public bool? OldConsumerAcks { get; } = random.Next(4) switch { 0 => true, 1 => false, _ => null };

    public int MaxLosses => CountsLosses ? 2 : 1_000;

    /// <summary>The longest time between two things that happen, in milliseconds.</summary>
    public int MaxPause => CountsLosses ? 2_000 : 400;
}
