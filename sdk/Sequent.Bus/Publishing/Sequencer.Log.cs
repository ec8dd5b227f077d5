using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Publishing;

internal sealed partial class Sequencer
{
    [LoggerMessage(1, LogLevel.Information, "Log {LogId} is open at position {Position} with {Keys} keys")]
    private partial void LogOpened(string logId, long position, int keys);

    [LoggerMessage(2, LogLevel.Error, "The store failed; what was being published is answered store_unavailable or looked up again")]
    private partial void LogStoreFailed(Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The outcome of a commit was unknown; the store was opened anew and ends at {Position}")]
    private partial void LogOutcomeKnown(long position);
}
