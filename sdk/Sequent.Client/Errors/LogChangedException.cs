namespace Sequent.Client;

/// <summary>What was decided on one log must not go to another. Never seen by callers: units run again.</summary>
internal sealed class LogChangedException() : Exception("The bus has another log now.");
