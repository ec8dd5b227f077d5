namespace Sequent.Cli.Tests;

/// <summary>What an operator sees of backup, restore and verify.</summary>
internal sealed class DataCommandTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        await using var process = SequentProcess.Start(arguments);
        var exitCode = await process.ExitAsync();
        return (exitCode, process.Output, process.Errors);
    }

    [Test]
    public async Task A_running_bus_is_verified_backed_up_and_restored()
    {
        var (server, _) = await SequentProcess.StartServerAsync(PathOf("sequent.db"));
        await using var __ = server;
        Assert.That((await RunAsync("verify", "-d", PathOf("sequent.db"))).Output, Does.StartWith("Sound: log ").And.Contains("0 events of 0 keys, 0 client types"));
        Assert.That((await RunAsync("backup", PathOf("monday.db"), "-d", PathOf("sequent.db"))).ExitCode, Is.Zero);
        Assert.That((await RunAsync("restore", PathOf("monday.db"), "-d", PathOf("restored.db"))).Output, Does.StartWith($"Restored {PathOf("restored.db")}"));
        Assert.That((await RunAsync("verify", "-d", PathOf("restored.db"))).ExitCode, Is.Zero);
    }

    [TestCase("verify", "There is no file ")]
    [TestCase("backup there.db", "There is no file ")]
    [TestCase("restore none.db", "There is no file ")]
    public async Task What_cannot_be_done_gives_one_clear_line_and_exit_code_2(string command, string line)
    {
        var (exitCode, _, errors) = await RunAsync([.. command.Split(' ').Select(word => word.EndsWith(".db", StringComparison.Ordinal) ? PathOf(word) : word), "-d", PathOf("sequent.db")]);
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(errors.Trim().Split('\n'), Has.Length.EqualTo(1).And.All.StartsWith($"sequent: {line}"));
    }
}
