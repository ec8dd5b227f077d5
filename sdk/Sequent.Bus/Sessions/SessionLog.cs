using System.Text;
using Microsoft.Extensions.Logging;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>What a session logs. What events carry is logged at Trace only.</summary>
internal sealed partial class SessionLog(ulong sessionId, ILogger logger)
{
    /// <summary>A longer message is cut in the log.</summary>
    private const int MaxTracedBytes = 4_096;

    private readonly ILogger _logger = logger;

    public void Started(string sender, ProtocolVersion version) => LogStarted(sessionId, sender, version);

    public void Ended() => LogEnded(sessionId);

    /// <summary>The connection is gone.</summary>
    public void Dropped(string reason) => LogDropped(sessionId, reason);

    /// <summary>A message had no effect. The text of the fault may quote it.</summary>
    public void Refused(ProtocolException fault)
    {
        LogRefused(sessionId, fault.Code);
        LogRefusal(sessionId, fault.Message);
    }

    /// <summary>A defect of the bus.</summary>
    public void Failed(Exception defect) => LogFailed(defect, sessionId);

    /// <summary>What the session is owed cannot be read now. Told once per trouble.</summary>
    public void StoreFailed(StoreException fault) => LogStoreFailed(fault, sessionId);

    public void StoreWorks() => LogStoreWorks(sessionId);

    public void Received(ReadOnlyMemory<byte> utf8)
    {
        if (_logger.IsEnabled(LogLevel.Trace))
            LogReceived(sessionId, Start(utf8));
    }

    public void Sent(ReadOnlyMemory<byte> utf8)
    {
        if (_logger.IsEnabled(LogLevel.Trace))
            LogSent(sessionId, Start(utf8));
    }

    private static string Start(ReadOnlyMemory<byte> utf8) =>
        utf8.Length <= MaxTracedBytes ? Encoding.UTF8.GetString(utf8.Span) : $"{Encoding.UTF8.GetString(utf8.Span[..MaxTracedBytes])}… ({utf8.Length} bytes)";

    [LoggerMessage(1, LogLevel.Debug, "Session {SessionId} from {Sender} speaks {Version}")]
    private partial void LogStarted(ulong sessionId, string sender, ProtocolVersion version);

    [LoggerMessage(2, LogLevel.Debug, "Session {SessionId} was cut: {Reason}")]
    private partial void LogDropped(ulong sessionId, string reason);

    [LoggerMessage(3, LogLevel.Debug, "Session {SessionId}: a message was ignored, {Code}")]
    private partial void LogRefused(ulong sessionId, string code);

    [LoggerMessage(4, LogLevel.Debug, "Session {SessionId} has ended")]
    private partial void LogEnded(ulong sessionId);

    [LoggerMessage(5, LogLevel.Error, "Session {SessionId}: a defect")]
    private partial void LogFailed(Exception exception, ulong sessionId);

    [LoggerMessage(6, LogLevel.Trace, "Session {SessionId} > {Text}", SkipEnabledCheck = true)]
    private partial void LogReceived(ulong sessionId, string text);

    [LoggerMessage(7, LogLevel.Trace, "Session {SessionId} < {Text}", SkipEnabledCheck = true)]
    private partial void LogSent(ulong sessionId, string text);

    [LoggerMessage(8, LogLevel.Trace, "Session {SessionId}: ignored because {Reason}")]
    private partial void LogRefusal(ulong sessionId, string reason);

    [LoggerMessage(9, LogLevel.Warning, "Session {SessionId} waits for events that cannot be read")]
    private partial void LogStoreFailed(Exception exception, ulong sessionId);

    [LoggerMessage(10, LogLevel.Information, "Session {SessionId}: its events can be read again")]
    private partial void LogStoreWorks(ulong sessionId);
}
