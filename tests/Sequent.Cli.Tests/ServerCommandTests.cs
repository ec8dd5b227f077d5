using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Sequent.Client;

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
    public async Task Traces_and_metrics_go_to_a_collector()
    {
        await using var collector = await Collector.StartAsync();
        await using var server = SequentProcess.Start("server", "--bind", "127.0.0.1:0", "--data", DataFile, "--otlp", collector.Address);
        var address = await server.ListeningAsync();
        await using (var client = new SequentClient(address!.ToString()))
            await client.PublishAsync(new Traced(), "k", new PublishOptions { TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
        server.Terminate();
        Assert.That(await server.ExitAsync(), Is.Zero);

        Assert.That(collector.Taken("/v1/traces"), Has.Some.Contains("commit Traced").And.Some.Contains("sequent-bus"));
        Assert.That(collector.Taken("/v1/metrics"), Has.Some.Contains("sequent.bus.published"));
    }

    [Test]
    public async Task A_collector_that_is_none_gives_one_clear_line()
    {
        await using var server = SequentProcess.Start("server", "--data", DataFile, "--otlp", "localhost:4318");
        Assert.That(await server.ExitAsync(), Is.Not.Zero);
        Assert.That(Complaints(server), Is.EqualTo(new[] { "sequent: --otlp: 'localhost:4318' is no address of a collector. Use its address for OTLP over HTTP, such as http://localhost:4318." }));
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
        server.Terminate();
        await server.ExitAsync(); // all it had to say is there
        Assert.That(server.Errors, Does.Contain("dbug"));
    }

    [Test]
    public async Task Every_faulty_value_is_named_with_where_it_came_from()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "appsettings.json"), """{"Sequent":{"KeyBytes":"many"}}""");
        await using var server = SequentProcess.StartIn(_folder, new Dictionary<string, string> { ["SEQUENT_SESSIONS"] = "some" }, "server", "--drain-time", "5");
        Assert.That(await server.ExitAsync(), Is.EqualTo(1));
        Assert.That(Complaints(server), Is.EqualTo(new[]
        {
            "sequent: appsettings.json, Sequent:KeyBytes: 'many' is no size. Use bytes or a unit: 65536, 512KiB, 1MiB, 2GiB.",
            "sequent: SEQUENT_SESSIONS: 'some' is no number. Use digits: 10000.",
            "sequent: --drain-time: '5' is no time. Use a number with a unit: 100ms, 30s, 5m, 1h.",
        }));
    }

    [TestCase("2147483647h")]
    [TestCase("99999999999999999999s")]
    public async Task A_time_longer_than_any_gives_one_clear_line(string time)
    {
        await using var server = SequentProcess.Start("server", "-b", "127.0.0.1:0", "-d", DataFile, "--drain-time", time);
        Assert.That(await server.ExitAsync(), Is.EqualTo(1));
        Assert.That(Complaints(server), Has.Length.EqualTo(1).And.All.Contains($"--drain-time: '{time}' is no time"));
    }

    [Test]
    public async Task A_value_out_of_range_is_named_with_its_limits()
    {
        await using var server = SequentProcess.StartIn(_folder, new Dictionary<string, string>(), "server", "-b", "127.0.0.1:0", "--max-losses", "0", "--ack-deadline", "0s", "--allowed-origin", "example.org");
        Assert.That(await server.ExitAsync(), Is.EqualTo(1));
        Assert.That(Complaints(server), Is.EqualTo(new[]
        {
            "sequent: --max-losses: MaxLosses is 0; it must be from 1 to 1000000.",
            "sequent: --ack-deadline: AckDeadline is 0s; it must be from 10ms to 168h.",
            "sequent: --allowed-origin: AllowedOrigins has 'example.org'; an origin is a scheme, a host and perhaps a port: https://example.org:8443.",
        }));
    }

    [Test]
    public async Task A_setting_that_does_not_exist_is_named_and_a_list_may_be_one_text()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "appsettings.json"), """{"Sequent":{"AllowedOrigin":"example.org","AllowedOrigins":["https://example.org"]}}""");
        await using var server = SequentProcess.StartIn(_folder, new Dictionary<string, string>(), "server", "-b", "127.0.0.1:0");
        Assert.That(await server.ExitAsync(), Is.EqualTo(1));
        Assert.That(Complaints(server), Has.Length.EqualTo(1).And.All.Contains("Sequent:AllowedOrigins: there is no such setting"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "appsettings.json"), """{"Sequent":{"AllowedOrigin":"example.org"}}""");
        await using var other = SequentProcess.StartIn(_folder, new Dictionary<string, string>(), "server", "-b", "127.0.0.1:0");
        Assert.That(await other.ExitAsync(), Is.EqualTo(1));
        Assert.That(Complaints(other), Has.Length.EqualTo(1).And.All.StartsWith("sequent: appsettings.json, Sequent:AllowedOrigin: AllowedOrigins has 'example.org'"));
    }

    [Test]
    public async Task Logs_may_be_json_and_hold_event_data_only_at_trace([Values("debug", "trace")] string level)
    {
        await using var server = SequentProcess.Start("server", "-b", "127.0.0.1:0", "-d", DataFile, "--log-format", "json", "-l", level);
        await using (var client = new SequentClient((await server.ListeningAsync())!.AbsoluteUri))
            await client.PublishAsync(new Secret("the cat is black"), "k");
        server.Terminate();
        await server.ExitAsync(); // all it had to say is there
        var lines = server.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines.Select(line => JsonNode.Parse(line)!["LogLevel"]), Is.Not.Empty);
        Assert.That(server.Errors.Contains("the cat is black", StringComparison.Ordinal), Is.EqualTo(level == "trace"));
    }

    [Test]
    public async Task The_command_line_goes_before_the_environment_and_that_before_the_file()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "appsettings.json"), """{"Sequent":{"Bind":"nonsense","Data":"file.db","LogLevel":"off"}}""");
        var environment = new Dictionary<string, string> { ["SEQUENT_DATA"] = "environment.db", ["SEQUENT_BIND"] = "more nonsense" };
        await using var server = SequentProcess.StartIn(_folder, environment, "server", "--bind", "127.0.0.1:0");
        Assert.That(await server.ListeningAsync(), Is.Not.Null, server.Errors);
        Assert.That(File.Exists(Path.Combine(_folder, "environment.db")), Is.True);
        server.Terminate();
        await server.ExitAsync(); // all it had to say is there
        Assert.That(server.Errors.Trim(), Is.Empty, "the file turned logging off");
    }

    [Test]
    public async Task Binding_beyond_loopback_is_warned_of_at_every_start()
    {
        await using var server = SequentProcess.Start("server", "-b", "0.0.0.0:0", "-d", DataFile);
        Assert.That(await server.ListeningAsync(), Is.Not.Null, server.Errors);
        server.Terminate();
        await server.ExitAsync(); // all it had to say is there
        Assert.That(server.Errors, Does.Contain("can be reached from other machines"));
    }

    [Test]
    public async Task Health_and_welcome_are_served_beside_the_sessions()
    {
        var (server, address) = await SequentProcess.StartServerAsync(DataFile);
        await using var _ = server;
        using var http = new HttpClient { BaseAddress = new UriBuilder(address) { Scheme = "http" }.Uri };
        Assert.That(await http.GetStringAsync("health/live"), Is.EqualTo("live\n"));
        Assert.That(await http.GetStringAsync("health/ready"), Is.EqualTo("ready\n"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Accept.ParseAdd("application/json");
        using var about = await http.SendAsync(request);
        Assert.That(await about.Content.ReadAsStringAsync(), Does.Contain("\"log_id\""));
        Assert.That((await http.GetAsync("somewhere")).StatusCode, Is.EqualTo(HttpStatusCode.UpgradeRequired));
    }

    private sealed record Secret(string Text);

    private static string[] Complaints(SequentProcess server) =>
        [.. server.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("sequent: ", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal))];

    private sealed record Traced;
}
