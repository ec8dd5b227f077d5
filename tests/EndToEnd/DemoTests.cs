using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Bank.Contracts;
using Demo;
using Microsoft.Data.Sqlite;
using Sequent.Client;

namespace EndToEnd;

public class DemoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task The_demo_runs_twice_and_finds_the_same_money_after_its_read_models_were_deleted()
    {
        using var folder = new TempFolder();
        var first = await RunAsync(folder);
        foreach (var readModel in new[] { "accounts.db*", "transactions.db*" })
            Array.ForEach(Directory.GetFiles(folder.Path, readModel), File.Delete);
        var second = await RunAsync(folder);

        Assert.That(first.ExitCode, Is.Zero, first.Output);
        Assert.That(second.ExitCode, Is.Zero, second.Output);
        Assert.That(first.Output, Does.Contain("this is the first run"));
        Assert.That(first.Output, Does.Match(@"as one trace[\s\S]+POST /transactions/[\s\S]+publish PendingTransaction[\s\S]+commit PendingTransaction[\s\S]+process PendingTransaction by accounts[\s\S]+commit AcceptedTransaction"));
        Assert.That(second.Output, Does.Contain("all three are there from an earlier run"));
    }

    [Test]
    public async Task The_demo_runs_with_processes_of_its_own()
    {
        using var folder = new TempFolder();
        var (exitCode, output) = await ServiceProcess.RunAsync("Demo.dll", "--once", "--data", folder.Path, "--processes", "--instances", "2");

        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Does.Contain("Accounts 2"));
    }

    [Test]
    [Platform("Linux", Reason = "looks for processes in /proc")]
    public async Task A_service_that_is_killed_is_started_again_and_none_outlives_the_demo()
    {
        using var folder = new TempFolder();
        await using var demo = ServiceProcess.Start("Demo.dll", "--data", folder.Path, "--processes", "--instances", "2", "--free-ports");
        await UntilAsync(() => demo.Output.Contains("It goes on running"), demo);
        var (id, address) = RowOf("Accounts 1", demo.Output);

        using (var victim = Process.GetProcessById(id))
            victim.Kill();
        await UntilAsync(() => demo.Output.Contains("Accounts 1 has ended (137) and is started again"), demo);
        using var http = new HttpClient();
        await UntilAsync(() => IsReadyAsync(http, address), demo);
        var running = ProcessesThatName(folder.Path, except: demo.Id);
        var exitCode = await demo.TerminateAsync();

        Assert.That(running, Has.Length.EqualTo(8), "the bus, two instances of each service, and the page");
        Assert.That(running, Has.None.EqualTo(id));
        Assert.That(exitCode, Is.Zero, demo.Output);
        Assert.That(ProcessesThatName(folder.Path, except: demo.Id), Is.Empty);
    }

    [Test]
    public async Task Simulated_customers_keep_money_moving_and_the_page_is_there()
    {
        using var folder = new TempFolder();
        await using var demo = ServiceProcess.Start("Demo.dll", "--data", folder.Path, "--free-ports", "--load", "4");
        await UntilAsync(() => demo.Output.Contains("4 simulated customers move money"), demo);
        var page = new Uri(Regex.Match(demo.Output, @"Open (http://\S+),").Groups[1].Value);
        var options = new SequentOptions { Server = new Uri(Regex.Match(demo.Output, @"ws://[\d.:]+").Value) };
        BankJson.Use(options);
        await using var bus = new SequentClient(options);
        BankAudit? audit = null;
        await UntilAsync(async () => (audit = await BankAudit.ReadAsync(bus, default)).Transfers.Values.Count(t => t.Status == TransferStatus.Accepted) > 4, demo);
        using var http = new HttpClient();
        using var logIn = await http.GetAsync(page);
        var exitCode = await demo.TerminateAsync();

        Assert.That(audit!.Findings, Is.Empty);
        Assert.That(audit.Balances, Has.Count.GreaterThan(4));
        Assert.That(await logIn.Content.ReadAsStringAsync(), Does.Contain("Log in"));
        Assert.That(exitCode, Is.Zero, demo.Output);
    }

    [Test]
    public async Task The_demo_fails_when_a_statement_does_not_add_up()
    {
        using var folder = new TempFolder();
        var first = await RunAsync(folder);
        await using (var readModel = new SqliteConnection($"Data Source={folder.File("accounts.db")};Pooling=False"))
        {
            await readModel.OpenAsync();
            await using var lie = readModel.CreateCommand();
            lie.CommandText = "UPDATE Entries SET Cents = Cents + 1 WHERE Position = (SELECT MIN(Position) FROM Entries)";
            Assert.That(await lie.ExecuteNonQueryAsync(), Is.EqualTo(1));
        }

        var second = await RunAsync(folder);

        Assert.That((first.ExitCode, second.ExitCode), Is.EqualTo((0, 1)));
        Assert.That(second.Output, Does.Contain("adds up to 70.01"));
    }

    /// <summary>What the table of processes says.</summary>
    private static (int Id, Uri Address) RowOf(string name, string output)
    {
        var row = Regex.Match(output, $@"{name}\W+(\d+)\W+(http\S+)");
        return (int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture), new Uri(row.Groups[2].Value));
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, Uri service)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(service, "/health/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Every program of the demo is told where in its folder to keep its data.</summary>
    private static int[] ProcessesThatName(string folder, int except) =>
        [.. Process.GetProcesses().Select(process => process.Id).Where(id => id != except && CommandLineOf(id).Contains(folder))];

    private static string CommandLineOf(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline");
        }
        catch (IOException)
        {
            return ""; // it has just ended
        }
    }

    private static Task UntilAsync(Func<bool> condition, ServiceProcess demo) => UntilAsync(() => Task.FromResult(condition()), demo);

    private static async Task UntilAsync(Func<Task<bool>> condition, ServiceProcess demo)
    {
        for (var watch = Stopwatch.StartNew(); !await condition(); await Task.Delay(20))
        {
            if (watch.Elapsed > Patience || demo.HasExited)
                Assert.Fail($"After {watch.Elapsed}: {demo.Output}");
        }
    }

    private static Task<(int ExitCode, string Output)> RunAsync(TempFolder folder) =>
        ServiceProcess.RunAsync("Demo.dll", "--once", "--data", folder.Path);
}
