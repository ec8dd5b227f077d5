using Microsoft.Extensions.Logging;

namespace Sequent.Client;

public sealed partial class SequentClient
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The bus refused a message without saying which: {Code}, {Text}")]
    private partial void LogRefused(string code, string text);
}
