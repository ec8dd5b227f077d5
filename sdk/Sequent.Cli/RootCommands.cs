using System.CommandLine;

namespace Sequent.Cli;

/// <summary>The commands of the tool <c>sequent</c>.</summary>
internal static class RootCommands
{
    public static RootCommand Create()
    {
        // As in the original bus, the log level may also stand before the command.
        var logLevel = new Option<LogLevel>("--log-level", "-l")
        {
            Description = "How much is logged to standard error: trace, debug, information (info), warning (warn), error, critical, none (off)",
            DefaultValueFactory = _ => LogLevel.Information,
            CustomParser = LogLevels.Parse,
            Recursive = true,
        };
        return new RootCommand("Sequent: an event bus that keeps its promises about order.")
        {
            logLevel,
            ServerCommand.Create(logLevel),
        };
    }
}
