using Microsoft.Data.Sqlite;

namespace EndToEnd;

public class DemoTests
{
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

    private static Task<(int ExitCode, string Output)> RunAsync(TempFolder folder) =>
        ServiceProcess.RunAsync("Demo.dll", "--once", "--data", folder.Path);
}
