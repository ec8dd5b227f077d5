using System.Net;
using System.Net.Sockets;

namespace Sequent.Cli.Tests;

/// <summary>What an operator sees of <c>sequent server</c>.</summary>
internal sealed class ServerCommandTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string DataFile => Path.Combine(_folder, "sequent.db");

    [Test]
    public async Task It_listens_says_where_and_stops_cleanly_on_sigterm()
    {
        var (server, address) = await SequentProcess.StartServerAsync(DataFile);
        await using var _ = server;
        using var http = new HttpClient();
        var answer = await http.GetAsync(new UriBuilder(address) { Scheme = "http" }.Uri);
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.StartWith("This is a Sequent bus"));
        server.Terminate();
        Assert.That(await server.ExitAsync(), Is.Zero);
        Assert.That(server.Errors.Trim(), Is.Empty);
        Assert.That(File.Exists(DataFile + "-wal"), Is.False, "a clean stop leaves one file and its lock");
    }

    [Test]
    public async Task A_taken_port_gives_one_clear_line_and_an_exit_code()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var server = SequentProcess.Start("server", "-b", $"127.0.0.1:{port}", "-d", DataFile);
        Assert.That(await server.ExitAsync(), Is.Not.Zero);
        Assert.That(Complaints(server), Is.EqualTo(new[] { $"sequent: Failed to bind to address http://127.0.0.1:{port}: address already in use." }));
    }

    [Test]
    public async Task A_locked_file_gives_one_clear_line_and_an_exit_code()
    {
        var (first, _) = await SequentProcess.StartServerAsync(DataFile);
        await using var __ = first;
        await using var second = SequentProcess.Start("server", "-b", "127.0.0.1:0", "-d", DataFile);
        Assert.That(await second.ExitAsync(), Is.Not.Zero);
        Assert.That(Complaints(second), Has.Length.EqualTo(1).And.All.Contains("in use by another bus"));
    }

    [Test]
    public async Task A_file_that_cannot_be_written_gives_one_clear_line_and_an_exit_code()
    {
        await using var server = SequentProcess.Start("server", "-b", "127.0.0.1:0", "-d", "/proc/none/sequent.db");
        Assert.That(await server.ExitAsync(), Is.Not.Zero);
        Assert.That(Complaints(server), Has.Length.EqualTo(1).And.All.Contains("/proc/none/sequent.db"));
    }

    [TestCase("server", "--bind", "nowhere")]
    [TestCase("server", "--log-level", "loud")]
    public async Task A_bad_option_is_named(string command, string option, string value)
    {
        await using var server = SequentProcess.Start(command, option, value);
        Assert.That(await server.ExitAsync(), Is.Not.Zero);
        Assert.That(server.Errors, Does.Contain($"'{value}'"));
    }

    [Test]
    public async Task The_log_level_may_stand_before_the_command()
    {
        await using var server = SequentProcess.Start("-l", "debug", "server", "-b", "127.0.0.1:0", "-d", DataFile);
        Assert.That(await server.ListeningAsync(), Is.Not.Null);
        Assert.That(server.Errors, Does.Contain("dbug"));
    }

    private static string[] Complaints(SequentProcess server) =>
        [.. server.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("sequent: ", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal))];
}
