using System.CommandLine;

namespace Sequent.Cli;

internal static class Program
{
    // Ctrl-C and SIGTERM belong to the host: it stops in its own time, while the parser would end the process after two seconds.
    private static readonly InvocationConfiguration Configuration = new() { ProcessTerminationTimeout = null };

    public static Task<int> Main(string[] args) => RootCommands.Create().Parse(args).InvokeAsync(Configuration);
}
