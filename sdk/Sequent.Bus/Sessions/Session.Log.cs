using Microsoft.Extensions.Logging;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

internal sealed partial class Session
{
    [LoggerMessage(1, LogLevel.Debug, "Session {SessionId} from {Sender} speaks {Version}")]
    private partial void LogStarted(ulong sessionId, string sender, ProtocolVersion version);

    [LoggerMessage(2, LogLevel.Debug, "Session {SessionId} was cut: {Reason}")]
    private partial void LogDropped(ulong sessionId, string reason);

    [LoggerMessage(3, LogLevel.Debug, "Session {SessionId}: a message was ignored, {Code}: {Reason}")]
    private partial void LogRefused(ulong sessionId, string code, string reason);

    [LoggerMessage(5, LogLevel.Error, "Session {SessionId}: a defect")]
    private partial void LogFailed(Exception exception, ulong sessionId);

    [LoggerMessage(4, LogLevel.Debug, "Session {SessionId} has ended")]
    private partial void LogEnded(ulong sessionId);
}
