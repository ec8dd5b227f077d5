using System.Text.Json.Serialization;
using Sequent.Client;

namespace Sequent.Cli.Bench.Loads;

/// <summary>The event that is measured.</summary>
/// <param name="At">When it was due, as a timestamp of this process.</param>
/// <param name="Pad">Makes it as large as was asked for.</param>
internal sealed record Measured(long At, string Pad)
{
    /// <summary>What a typical timestamp and the names of the fields take.</summary>
    private const int Frame = 36;

    public static string PadFor(int size) => new('x', Math.Max(0, size - Frame));
}

/// <summary>What a unit reads: how many events the key has.</summary>
internal sealed record Counted(long Events) : IState<Counted>
{
    public static Counted Initial { get; } = new(0);

    public static Counted Apply(Counted state, RecordedEvent e) => new(state.Events + 1);
}

[JsonSerializable(typeof(Measured))]
internal sealed partial class BenchJson : JsonSerializerContext;
