using Microsoft.Extensions.Logging;

namespace Sequent.Client.Publishing;

internal sealed partial class Publisher
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The bus could not store {RequestId} now ({Code}); it will be sent again")]
    private partial void LogPostponed(string requestId, string code);

    [LoggerMessage(2, LogLevel.Error, "A defect interrupted publishing; it goes on with what is pending")]
    private partial void LogFaulted(Exception exception);
}
