namespace Sequent.Client;

/// <summary>How far a projection is.</summary>
/// <param name="LogId">The log that <paramref name="Position"/> belongs to.</param>
/// <param name="Position">Everything up to here is applied.</param>
public sealed record Checkpoint(string LogId, long Position);
