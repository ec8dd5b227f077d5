using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bank.Tests;

/// <summary>A real PostgreSQL of our own, from the programs installed here. It can be stopped and started again where it was.</summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Missing = "PostgreSQL is not installed: `apt-get install postgresql`, or set SEQUENT_TEST_POSTGRES to a connection string.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("bank-postgres-").FullName;
    private readonly int _port = FreePort();
    private readonly string _programs;

    private PostgresServer(string programs)
    {
        _programs = programs;
        if (Environment.IsPrivilegedProcess)
            Execute("chown", ["postgres", _folder]); // it refuses to run as root
        Run("initdb", "-D", _folder, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync");
    }

    /// <summary>How to connect; no database is named.</summary>
    public string Connection => $"Host=127.0.0.1;Port={_port};Username=postgres";

    /// <summary>A server that is not started yet. The test is skipped if none is installed.</summary>
    public static PostgresServer Create()
    {
        if (FindPrograms() is not { } programs)
            Assert.Ignore(Missing);
        else
            return new PostgresServer(programs);
        throw new InvalidOperationException(Missing);
    }

    public void Start() => Run("pg_ctl", "-D", _folder, "-l", Path.Combine(_folder, "log"), "-w", "-o", $"-p {_port} -k {_folder} -c listen_addresses=127.0.0.1 -c max_connections=500 -c fsync=off", "start");

    public void Stop() => Run("pg_ctl", "-D", _folder, "-m", "immediate", "stop");

    public void Dispose()
    {
        if (File.Exists(Path.Combine(_folder, "postmaster.pid")))
            Stop();
        Directory.Delete(_folder, recursive: true);
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
