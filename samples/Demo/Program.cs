using System.CommandLine;
using Demo;
using Spectre.Console;

// A file or a pipe has no width; lines broken at 80 characters are hard to search.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 160;

var once = new Option<bool>("--once") { Description = "Use free ports (as with --free-ports), run the flow and end: exit code 0 if every step and balance was right, else 1" };
var data = new Option<string>("--data")
{
    Description = "The folder that keeps the bank between runs",
    DefaultValueFactory = _ => Path.Combine(".sequent", "demo"),
};
var processes = new Option<bool>("--processes") { Description = "Start the bus and each service as a process of its own, and start again what is killed" };
var instances = new Option<int>("--instances") { Description = "How many of each service, 1 to 9; the further ones listen 10, 20, … ports higher. Needs --processes", DefaultValueFactory = _ => 1 };
var freePorts = new Option<bool>("--free-ports") { Description = "Use free ports, whichever they are" };
instances.Validators.Add(result =>
{
    if (result.GetValue(instances) is < 1 or > 9)
        result.AddError("--instances is 1 to 9.");
    else if (result.GetValue(instances) > 1 && !result.GetValue(processes))
        result.AddError("--instances needs --processes.");
});
var load = new Option<int>("--load") { Description = $"How many simulated customers go on moving money, 0 to {Load.Most}", DefaultValueFactory = _ => 0 };
load.Validators.Add(result =>
{
    if (result.GetValue(load) is < 0 or > Load.Most)
        result.AddError($"--load is 0 to {Load.Most}.");
    else if (result.GetValue(load) > 0 && result.GetValue(once))
        result.AddError("--load goes on, --once ends: choose one.");
});
var command = new RootCommand("Starts the bus, the bank's services and its page, and moves some money over HTTP.") { once, data, processes, instances, freePorts, load };
command.SetAction((result, cancellationToken) => RunAsync(
    result.GetRequiredValue(data), result.GetValue(once), result.GetValue(once) || result.GetValue(freePorts), result.GetValue(processes) ? result.GetValue(instances) : null,
    result.GetValue(load), cancellationToken));
// A clean stop saves what is owed; it is given more than the two seconds it gets by default.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

static async Task<int> RunAsync(string folder, bool once, bool freePorts, int? instances, int load, CancellationToken cancellationToken)
{
    try
    {
        await using IRunningBank bank = instances is { } count
            ? await ProcessBank.StartAsync(folder, freePorts, count, cancellationToken)
            : await InProcessBank.StartAsync(folder, freePorts, cancellationToken);
        using var trace = instances is null ? new TransferTrace() : null;
        await new Flow(bank.Addresses, trace).RunAsync(cancellationToken);
        bank.Show();
        if (!once)
        {
            AnsiConsole.MarkupLineInterpolated($"It goes on running. Open [blue]{bank.Addresses.Page.OriginalString}[/], or try the routes on the Scalar pages. [grey]Ctrl-C ends it.[/]");
            if (load > 0)
                AnsiConsole.MarkupLineInterpolated($"{load} simulated customers move money, some of it to you.");
            await (load > 0 ? new Load(bank.Addresses).RunAsync(load, cancellationToken) : Task.Delay(Timeout.Infinite, cancellationToken));
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
