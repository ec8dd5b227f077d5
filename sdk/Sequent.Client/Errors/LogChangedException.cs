namespace Sequent.Client;

/// <summary>What was decided on one log must not go to another. Never seen by callers: units run again.</summary>
/// <param name="wasSent">It was sent to the former log, and may be part of this one too, if that goes on where the former was.</param>
internal sealed class LogChangedException(bool wasSent) : Exception("The bus has another log now.")
{
    public bool WasSent { get; } = wasSent;
}
