using Microsoft.Extensions.Logging;

namespace Sequent.Client;

public sealed partial class SequentClient
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The bus refused a message without saying which: {Code}, {Text}")]
    private partial void LogRefused(string code, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{What} was published inside a unit or handler, so it is not part of its batch and may be stored more than once; use the Append of the unit or EventContext")]
    private partial void LogPublishedInside(string what);

    [LoggerMessage(3, LogLevel.Error, "A subscriber of StateChanged failed")]
    private partial void LogSubscriberFailed(Exception exception);
}
