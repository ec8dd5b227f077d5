using Microsoft.Extensions.Logging;

namespace Sequent.Client.Connecting;

internal sealed partial class Session
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Session {SessionId} dropped: {Why}")]
    private partial void LogDropped(string sessionId, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "Session {SessionId} ended by a fault")]
    private partial void LogFaulted(string sessionId, Exception exception);
}
