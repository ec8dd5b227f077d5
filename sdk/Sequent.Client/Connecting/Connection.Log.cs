using Microsoft.Extensions.Logging;

namespace Sequent.Client.Connecting;

internal sealed partial class Connection
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to {Server}, session {SessionId}, log {LogId}")]
    private partial void LogConnected(Uri server, string sessionId, string logId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The bus at {Server} speaks the original protocol only: handlers cannot append, a publish that was cut off is not repeated, and units, projections and queries can do less")]
    private partial void LogOriginal(Uri server);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {SessionId} with {Server} ended: {Why}")]
    private partial void LogDisconnected(Uri server, string sessionId, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "A defect ended a session with {Server}; connecting again")]
    private partial void LogFaulted(Uri server, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot connect to {Server}, trying again until it works: {Why}")]
    private partial void LogUnreachable(Uri server, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Still cannot connect to {Server} after {Attempts} attempts: {Why}")]
    private partial void LogStillUnreachable(Uri server, int attempts, string why);
}
