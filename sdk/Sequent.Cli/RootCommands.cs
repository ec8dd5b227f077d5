using System.CommandLine;
using Sequent.Cli.Bench;
using Sequent.Cli.Data;
using Sequent.Cli.Server;

namespace Sequent.Cli;

/// <summary>The commands of the tool <c>sequent</c>.</summary>
internal static class RootCommands
{
    public static RootCommand Create()
    {
        // As in the original bus, the log level may also stand before the command.
        var logLevel = ServerCommand.OptionOf(Settings.LogLevel);
        logLevel.Recursive = true;
        return new RootCommand("Sequent: an event bus that keeps its promises about order.")
        {
            logLevel,
            ServerCommand.Create(logLevel),
            DataCommands.CreateBackup(),
            DataCommands.CreateRestore(),
            DataCommands.CreateVerify(),
            BenchCommand.Create(),
        };
    }
}
