namespace Sequent.Bus;

/// <summary>What looking through the file of a log found.</summary>
public sealed class LogReport
{
    /// <summary>The id of the log.</summary>
    public required string LogId { get; init; }

    /// <summary>How many events it holds.</summary>
    public required long Events { get; init; }

    /// <summary>How many keys they have.</summary>
    public required long Keys { get; init; }

    /// <summary>How many client types it knows.</summary>
    public required int ClientTypes { get; init; }

    /// <summary>How many faults there are; 0 means that the log is sound.</summary>
    public required long FaultCount { get; init; }

    /// <summary>The first faults, at most 100, each one line that names the place.</summary>
    public required IReadOnlyList<string> Faults { get; init; }
}
