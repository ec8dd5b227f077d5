using Sequent.Protocol;

namespace Sequent.Client.Reading;

/// <summary>A part of an answer, or of a follow.</summary>
/// <param name="LogId">The log it was read from.</param>
/// <param name="Position">The log was read up to here.</param>
/// <param name="Events">What was selected.</param>
/// <param name="IsCaughtUp">No page but the news that the past is over.</param>
internal readonly record struct LogPage(string LogId, long Position, IReadOnlyList<WireEvent> Events, bool IsCaughtUp = false);
