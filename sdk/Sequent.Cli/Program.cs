namespace Sequent.Cli;

internal static class Program
{
    public static Task<int> Main(string[] args) => RootCommands.Create().Parse(args).InvokeAsync();
}
