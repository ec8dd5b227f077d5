using Microsoft.Extensions.Logging;

namespace Sequent.Client.Connecting;

internal sealed partial class Session
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Session {SessionId} dropped: {Why}")]
    private partial void LogDropped(string sessionId, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "The bus of session {SessionId} is about to stop; what is in work can be finished")]
    private partial void LogDraining(string sessionId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Session {SessionId} ended by a fault")]
    private partial void LogFaulted(string sessionId, Exception exception);
}
