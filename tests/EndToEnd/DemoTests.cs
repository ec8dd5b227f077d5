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

    private static Task<(int ExitCode, string Output)> RunAsync(TempFolder folder) =>
        ServiceProcess.RunAsync("Demo.dll", "--once", "--data", folder.Path);
}
