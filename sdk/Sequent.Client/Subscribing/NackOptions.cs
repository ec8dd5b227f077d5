namespace Sequent.Client;

/// <summary>How a delivery failed and when it should come again.</summary>
public sealed record NackOptions
{
    /// <summary>When it comes again, at most one hour. Null: the bus backs off by itself, from 100 ms to 30 s.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Why, for people; it is kept with a dead letter. Put no event data into it.</summary>
    public string? Reason { get; init; }

    /// <summary>Do not try again: put the event among the dead letters, so that its key goes on.</summary>
    public bool DeadLetter { get; init; }
}
