using Microsoft.Extensions.Logging;

namespace Sequent.Bus.Delivering;

internal sealed partial class ClientTypeLoop
{
    [LoggerMessage(1, LogLevel.Critical, "Client type {ClientType}: a defect stopped its deliveries until the bus is restarted")]
    private partial void LogLoopFailed(Exception exception, string clientType);

    [LoggerMessage(2, LogLevel.Error, "Client type {ClientType}: the log could not be read; trying again")]
    private partial void LogReadFailed(Exception exception, string clientType);

    [LoggerMessage(3, LogLevel.Error, "Client type {ClientType}: its delivery state could not be saved; trying again")]
    private partial void LogSaveFailed(Exception exception, string clientType);

    [LoggerMessage(4, LogLevel.Warning, "Client type {ClientType}: the event at position {Position} is a dead letter after {Attempts} failures; /admin/dead-letter tells why")]
    private partial void LogDeadLetter(string clientType, long position, int attempts);

    [LoggerMessage(5, LogLevel.Warning, "Client type {ClientType}: its old clients never ack and hold too much; {Count} events counted as acked so far. Start the bus with --acks-sent for it")]
    private partial void LogCountedAsAcked(string clientType, long count);

    [LoggerMessage(6, LogLevel.Warning, "Client type {ClientType} has {Keys} keys with something unsettled; nothing after position {Position} is handed out until some are settled")]
    private partial void LogWaitsForKeys(string clientType, int keys, long position);
}
