using System.CommandLine;
using System.Globalization;
using Sequent.Bus;
using Sequent.Cli.Server;

namespace Sequent.Cli.Data;

/// <summary>The commands that work on the file of a log: backup, restore, verify.</summary>
internal static class DataCommands
{
    private const int Done = 0;

    /// <summary>What was looked at is not sound.</summary>
    private const int Unsound = 1;

    /// <summary>Nothing could be done.</summary>
    private const int Failed = 2;

    public static Command CreateBackup()
    {
        var backup = new Argument<string>("backup") { Description = "The file to write; it must not exist" };
        return Create(
            "backup",
            "Writes a copy of the log to one file, complete and on disk when the command ends. A bus may run meanwhile; its write-ahead log grows until the copy is done.",
            backup,
            (result, data, cancellationToken) =>
            {
                var target = Path.GetFullPath(result.GetRequiredValue(backup));
                data.BackUpTo(target, cancellationToken);
                return Say($"Wrote {Size(target)} to {target}");
            });
    }

    public static Command CreateRestore()
    {
        var backup = new Argument<string>("backup") { Description = "A file that sequent backup wrote" };
        return Create(
            "restore",
            """
            Makes a log of a backup. The file of --data must not exist.

            It is another log than the one that was backed up and gets an id of its own, because positions given after the backup are given again: clients
            and projections that remember a position of the old log start over.
            """,
            backup,
            (result, data, cancellationToken) =>
            {
                new LogFile(result.GetRequiredValue(backup)).RestoreTo(data.Path, cancellationToken);
                return Say($"Restored {data.Path}, {Size(data.Path)}");
            });
    }

    public static Command CreateVerify() => Create(
        "verify",
        """
        Looks through the whole log: positions, times, the values and chain of every key, ids, data, indexes, delivery state. A bus may run meanwhile; its
        write-ahead log grows until this is done.

        Exit code 0: the log is sound; 1: it is not, every fault found is named; 2: it could not be looked at.
        """,
        argument: null,
        (_, data, cancellationToken) =>
        {
            var report = data.Verify(cancellationToken);
            foreach (var fault in report.Faults)
                Console.Out.WriteLine(fault);
            if (report.FaultCount > report.Faults.Count)
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"... and {report.FaultCount - report.Faults.Count:N0} more"));
            var what = string.Create(CultureInfo.InvariantCulture, $"log {report.LogId}: {report.Events:N0} events of {report.Keys:N0} keys, {report.ClientTypes:N0} client types");
            Say(report.FaultCount == 0 ? $"Sound: {what}" : string.Create(CultureInfo.InvariantCulture, $"{report.FaultCount:N0} faults: {what}"));
            return report.FaultCount == 0 ? Done : Unsound;
        });

    private static Command Create(string name, string description, Argument<string>? argument, Func<ParseResult, LogFile, CancellationToken, int> work)
    {
        var dataOption = ServerCommand.OptionOf(Settings.Data);
        var command = new Command(name, description) { dataOption };
        if (argument is not null)
            command.Add(argument);
        command.SetAction((result, cancellationToken) => Task.Run(() => Run(result, dataOption, work, cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(ParseResult result, Option<string[]> dataOption, Func<ParseResult, LogFile, CancellationToken, int> work, CancellationToken cancellationToken)
    {
        var setup = SettingSources.Collect(result, [(Settings.Data, dataOption)], out var faults);
        foreach (var fault in faults)
            Console.Error.WriteLine($"sequent: {fault}");
        if (faults.Count > 0)
            return Failed;
        try
        {
            return work(result, new LogFile(setup.Bus.DataFile!), cancellationToken);
        }
        catch (StoreException e)
        {
            Console.Error.WriteLine($"sequent: {e.Message}");
            return Failed;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("sequent: stopped before it was done; nothing was written.");
            return Failed;
        }
    }

    private static int Say(string line)
    {
        Console.Out.WriteLine(line);
        return Done;
    }

    private static string Size(string path) => string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(path).Length:N0} bytes");
}
