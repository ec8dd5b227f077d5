using Microsoft.Extensions.Logging;

namespace Sequent.Client.Subscribing;

internal sealed partial class Subscription
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Registered as an instance of {ClientType} in session {SessionId}")]
    private partial void LogRegistered(string clientType, string sessionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The bus could not register {ClientType} now ({Code}); it will be tried again")]
    private partial void LogPostponed(string clientType, string code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The bus refused a message of a subscription: {Code}, {Text}")]
    private partial void LogRefused(string code, string text);
}
