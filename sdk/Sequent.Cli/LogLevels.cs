using System.CommandLine.Parsing;

namespace Sequent.Cli;

/// <summary>The names of log levels on the command line: those of .NET, and the short ones of the original bus.</summary>
internal static class LogLevels
{
    public static LogLevel Parse(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        LogLevel? level = text.ToUpperInvariant() switch
        {
            "INFO" => LogLevel.Information,
            "WARN" => LogLevel.Warning,
            "OFF" => LogLevel.None,
            _ => Enum.TryParse<LogLevel>(text, ignoreCase: true, out var parsed) && !int.TryParse(text, out _) ? parsed : null,
        };
        if (level is null)
            result.AddError($"'{text}' is no log level. Use trace, debug, info, warn, error, critical or off.");
        return level ?? LogLevel.Information;
    }
}
