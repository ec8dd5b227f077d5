namespace EndToEnd;

/// <summary>
/// Processes that are killed after some seconds: on a small machine they would spend a third of that compiling again, and better, what they
/// have compiled already. They inherit this.
/// </summary>
[SetUpFixture]
public class ShortLivedProcesses
{
    /// <summary>Hexadecimal, as the runtime reads it: a minute.</summary>
    private const string CompiledAgainAfterMs = "EA60";

    [OneTimeSetUp]
    public void Configure()
    {
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", CompiledAgainAfterMs);
    }
}
