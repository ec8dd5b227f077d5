namespace Sequent.Protocol;

/// <summary>How to listen to Sequent: the SDK and the bus trace and count under one name.</summary>
public static class SequentDiagnostics
{
    /// <summary>The name of every <c>ActivitySource</c> and <c>Meter</c>: <c>AddSource(SequentDiagnostics.Name)</c>, <c>AddMeter(SequentDiagnostics.Name)</c>.</summary>
    public const string Name = "Sequent";
}
