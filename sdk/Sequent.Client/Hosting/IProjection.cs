namespace Sequent.Client;

/// <summary>
/// A read model fed by following the log. It owns its storage: events and checkpoint have to be stored in one transaction. One instance
/// lives as long as the host, and its methods are called one after the other.
/// </summary>
public interface IProjection
{
    /// <summary>The event types it wants, by their names on the wire. Null (default): all.</summary>
    IReadOnlyList<string>? Types => null;

    /// <summary>The stored checkpoint, or null if nothing was applied yet; then the log is followed from its first event.</summary>
    ValueTask<Checkpoint?> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Applies events and moves the checkpoint, in one transaction. There may be no events: then only the checkpoint moves.</summary>
    /// <param name="events">Events after <paramref name="from"/> up to <paramref name="to"/>, in log order.</param>
    /// <param name="from">The checkpoint the stored one must equal.</param>
    /// <param name="to">The new checkpoint.</param>
    /// <param name="cancellationToken">Cancelled when the host stops.</param>
    /// <returns>False if the stored checkpoint was not <paramref name="from"/> and nothing was applied: another instance was first.</returns>
    ValueTask<bool> ApplyAsync(IReadOnlyList<RecordedEvent> events, Checkpoint? from, Checkpoint to, CancellationToken cancellationToken);

    /// <summary>Forgets everything, also the checkpoint: the bus has another log now, which is followed from its first event.</summary>
    ValueTask ResetAsync(CancellationToken cancellationToken);
}
