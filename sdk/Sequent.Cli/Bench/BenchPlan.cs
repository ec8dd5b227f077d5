using Sequent.Cli.Bench.Loads;

namespace Sequent.Cli.Bench;

/// <summary>What is measured, and how.</summary>
internal sealed record BenchPlan
{
    /// <summary>The bus; null: one is started for the measurement, on a log of its own.</summary>
    public Uri? Server { get; init; }

    public required string Load { get; init; }

    /// <summary>How the events get on the wire: through the SDK, or by hand in the old or the new protocol.</summary>
    public Wire Wire { get; init; } = Wire.Sdk;

    /// <summary>The data of an event, as JSON, in bytes.</summary>
    public int Size { get; init; } = 256;

    public int Keys { get; init; } = 1_000;

    /// <summary>What keys begin with; null: keys that no other run has.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>0: every key is as likely as the next; above: the exponent of Zipf's law.</summary>
    public double Zipf { get; init; }

    public int Connections { get; init; } = 1;

    /// <summary>Operations under way at a time, over all connections.</summary>
    public int Window { get; init; } = 1_000;

    /// <summary>Events of a message (publish over a wire by hand) or of a call (batch).</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Instances of the client type that takes deliveries.</summary>
    public int Instances { get; init; } = 1;

    /// <summary>Operations begun per second, whether the last ones have ended or not; null: each begins when one has ended.</summary>
    public double? Rate { get; init; }

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many events a rebuild reads.</summary>
    public int Events { get; init; } = 1_000_000;

    /// <summary>Of the bus that is started: full or os.</summary>
    public string Durability { get; init; } = "full";
}
