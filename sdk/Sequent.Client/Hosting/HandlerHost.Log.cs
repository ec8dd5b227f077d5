using Microsoft.Extensions.Logging;

namespace Sequent.Client.Hosting;

internal sealed partial class HandlerHost
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The bus does not take {ClientType} as a client type; trying again")]
    private partial void LogRegistrationRefused(string clientType, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "The subscription of {ClientType} failed; starting it again")]
    private partial void LogSubscriptionFailed(string clientType, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Handling {EventType} at {Position} failed in attempt {Attempt}; it comes again")]
    private partial void LogFailed(string eventType, long position, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Handling {EventType} at {Position} waits for the bus ({Why})")]
    private partial void LogWaiting(string eventType, long position, string why);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{EventType} at {Position} was taken back while it was handled")]
    private partial void LogLost(string eventType, long position);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The handler of {EventType} at {Position} that was left behind has thrown")]
    private partial void LogLeftBehind(string eventType, long position, Exception exception);
}
