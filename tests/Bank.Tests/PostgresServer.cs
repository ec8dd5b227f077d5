using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bank.Tests;

/// <summary>
/// A real PostgreSQL of our own, from the programs installed here, for the time of the test run; or the one at <c>SEQUENT_TEST_POSTGRES</c>
/// (a connection string without a database, of a user that may create some).
/// </summary>
[SetUpFixture]
public sealed class PostgresServer
{
    private const string Missing = "PostgreSQL is not installed: `apt-get install postgresql`, or set SEQUENT_TEST_POSTGRES to a connection string.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly Lock Lock = new();
    private static PostgresServer? _running;

    private string _folder = "";
    private string _programs = "";
    private string _connection = "";

    /// <summary>How to connect; the server is started by the first test that asks. The test is skipped if there is none.</summary>
    public static string Connection
    {
        get
        {
            if (Environment.GetEnvironmentVariable("SEQUENT_TEST_POSTGRES") is { Length: > 0 } given)
                return given;
            if (FindPrograms() is not { } programs)
            {
                Assert.Ignore(Missing);
                return "";
            }

            lock (Lock)
                return (_running ??= Start(programs))._connection;
        }
    }

    [OneTimeTearDown]
    public void Stop()
    {
        if (_running is not { } server)
            return;
        server.Run("pg_ctl", "-D", server._folder, "-m", "immediate", "stop");
        Directory.Delete(server._folder, recursive: true);
    }

    private static PostgresServer Start(string programs)
    {
        var server = new PostgresServer { _programs = programs, _folder = Directory.CreateTempSubdirectory("bank-postgres-").FullName };
        if (Environment.IsPrivilegedProcess)
            Execute("chown", ["postgres", server._folder]); // it refuses to run as root
        server.Run("initdb", "-D", server._folder, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync");
        var port = FreePort();
        server.Run("pg_ctl", "-D", server._folder, "-l", Path.Combine(server._folder, "log"), "-w", "-o", $"-p {port} -k {server._folder} -c listen_addresses=127.0.0.1 -c max_connections=500 -c fsync=off", "start");
        server._connection = $"Host=127.0.0.1;Port={port};Username=postgres";
        return server;
    }

    /// <summary>Debian keeps them out of the path, by version.</summary>
    private static string? FindPrograms()
    {
        const string Versions = "/usr/lib/postgresql";
        string[] installed = Directory.Exists(Versions)
            ? [.. Directory.GetDirectories(Versions).OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var version) ? version : 0).Select(d => Path.Combine(d, "bin"))]
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return installed.Concat(path).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Run(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs, program);
        if (Environment.IsPrivilegedProcess)
            Execute("runuser", ["-u", "postgres", "--", path, .. arguments]);
        else
            Execute(path, arguments);
    }

    private static void Execute(string program, string[] arguments)
    {
        // Its output is not read: the server would keep a pipe open for as long as it lives.
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Path.GetTempPath(), RedirectStandardInput = true })!;
        if (!process.WaitForExit(Patience) || process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed.");
    }
}
