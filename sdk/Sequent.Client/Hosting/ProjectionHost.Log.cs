using Microsoft.Extensions.Logging;

namespace Sequent.Client.Hosting;

internal sealed partial class ProjectionHost
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Projection} failed after position {Position}; trying again")]
    private partial void LogFailed(string projection, long position, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Projection} starts over: its checkpoint {LogId}/{Position} is not of the log the bus has now")]
    private partial void LogReset(string projection, string? logId, long? position);
}
