namespace Sequent.Cli.Server;

/// <summary>The names of log levels: those of .NET, and the short ones of the original bus.</summary>
internal static class LogLevels
{
    /// <exception cref="FormatException">The text is no log level.</exception>
    public static LogLevel Parse(string text) => text.ToUpperInvariant() switch
    {
        "INFO" => LogLevel.Information,
        "WARN" => LogLevel.Warning,
        "OFF" => LogLevel.None,
        _ => Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && !int.TryParse(text, out _)
            ? level
            : throw new FormatException($"'{text}' is no log level. Use trace, debug, info, warn, error, critical or off."),
    };
}
