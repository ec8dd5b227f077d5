namespace Sequent.Client;

/// <summary>What a follow yields: <see cref="EventPage"/> or <see cref="CaughtUp"/>.</summary>
/// <param name="LogId">The log that is followed.</param>
/// <param name="Position">The log was read up to this position; where a later follow may go on.</param>
public abstract record FollowItem(string LogId, long Position);

/// <summary>Events in log order. An empty page moves the position on: nothing up to it was selected.</summary>
/// <param name="LogId">The log that is followed.</param>
/// <param name="Position">The log was read up to this position.</param>
/// <param name="Events">The selected events, all at or before <paramref name="Position"/>.</param>
public sealed record EventPage(string LogId, long Position, IReadOnlyList<RecordedEvent> Events) : FollowItem(LogId, Position);

/// <summary>Everything stored when the follow began was yielded; what comes now is live. Comes again after a lost connection.</summary>
/// <param name="LogId">The log that is followed.</param>
/// <param name="Position">The log was read up to this position.</param>
public sealed record CaughtUp(string LogId, long Position) : FollowItem(LogId, Position);
