using System.CommandLine;
using Demo;
using Spectre.Console;

// A file or a pipe has no width; lines broken at 80 characters are hard to search.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 160;

var once = new Option<bool>("--once") { Description = "Use free ports, run the flow and end: exit code 0 if every step and balance was right, else 1" };
var data = new Option<string>("--data")
{
    Description = "The folder that keeps the bank between runs",
    DefaultValueFactory = _ => Path.Combine(".sequent", "demo"),
};
var command = new RootCommand("Starts the bus and the bank's services in one process and moves some money over HTTP.") { once, data };
command.SetAction((result, cancellationToken) => RunAsync(result.GetRequiredValue(data), result.GetValue(once), cancellationToken));
// A clean stop saves what is owed; it is given more than the two seconds it gets by default.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

static async Task<int> RunAsync(string folder, bool once, CancellationToken cancellationToken)
{
    try
    {
        await using var bank = await RunningBank.StartAsync(folder, freePorts: once, cancellationToken);
        await new Flow(bank).RunAsync(cancellationToken);
        bank.Show();
        if (!once)
        {
            AnsiConsole.MarkupLine("It goes on running: try the routes on the Scalar pages. [grey]Ctrl-C ends it.[/]");
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        return 0;
    }
    catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
    {
        if (!once)
            return 0;
        AnsiConsole.MarkupLine("[red]Interrupted[/] before the flow was through.");
        return 1;
    }
    catch (Exception e)
    {
        AnsiConsole.MarkupLineInterpolated($"[red]Failed:[/] {e.Message}");
        return 1;
    }
}
