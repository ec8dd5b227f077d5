namespace Sequent.Client;

/// <summary>The bus a client is connected to.</summary>
/// <param name="LogId">Names its log; positions of different logs do not compare.</param>
/// <param name="Position">The end of the log when the session began.</param>
/// <param name="Version">The version of the bus.</param>
public sealed record BusInfo(string LogId, long Position, string Version)
{
    /// <summary>
    /// It speaks the original protocol only, which has no positions, ids or atomic batches: <see cref="Position"/> is 0 and <see cref="LogId"/> empty, and what
    /// needs more fails with the code <see cref="RequestFailedException.NotSupported"/>, naming it.
    /// </summary>
    public bool IsOriginal { get; init; }
}
