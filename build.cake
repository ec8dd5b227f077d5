// The build of Sequent: `dotnet cake --target=X`, `dotnet cake --description` lists the targets.
// Every step is a plain dotnet command and is printed before it runs, so that each can be repeated by hand.
using System.Globalization;
using System.Xml.Linq;

var target = Argument("target", "Test");
var configuration = Argument("configuration", "Release");

// The least coverage of lines and branches, in percent. An assembly listed here must also be present in the report.
var leastCoverage = new Dictionary<string, (double Lines, double Branches)>
{
    ["Sequent.Protocol"] = (95, 85),
    ["Sequent.Client"] = (95, 85),
    ["Sequent.Bus"] = (90, 80),
    ["Sequent.Testing"] = (90, 80),
};

const string Solution = "ClientSdk.sln";
const string TestResults = "artifacts/test-results";
const string CoverageReport = "artifacts/coverage";
const string Packages = "artifacts/packages";

// A test that hangs is ended and named after this time; without it the whole run would hang. As many projects as there are cores are tested at a time,
// in the order of the solution, where those that take longest come first.
var testCommand = $"test {Solution} -c {configuration} --no-build --logger trx --results-directory {TestResults} "
    + "--blame-hang-timeout 5min --blame-hang-dump-type none";

// ---- helpers -------------------------------------------------------------------------------------------------------

string Run(string program, string arguments, DirectoryPath folder = null, Dictionary<string, string> environment = null, bool capture = false)
{
    Information("{0}", $"> {program} {arguments}");
    var settings = new ProcessSettings
    {
        Arguments = arguments,
        WorkingDirectory = folder ?? Context.Environment.WorkingDirectory,
        EnvironmentVariables = environment,
        RedirectStandardOutput = capture,
    };
    using var process = StartAndReturnProcess(program, settings);
    var output = capture ? string.Join('\n', process.GetStandardOutput()) : "";
    process.WaitForExit();
    if (capture)
        Information("{0}", output);
    if (process.GetExitCode() != 0)
        throw new CakeException($"'{program} {arguments}' ended with exit code {process.GetExitCode()}.");
    return output;
}

void Dotnet(string arguments) => Run("dotnet", arguments);

// dotnet format takes minutes of one core and touches nothing, so in CI it runs beside other steps; what it prints comes between what they print.
System.Diagnostics.Process format = null;

void BeginFormat()
{
    var arguments = $"format {Solution} --verify-no-changes --no-restore";
    Information("{0}", $"> dotnet {arguments}");
    format = System.Diagnostics.Process.Start("dotnet", arguments);
}

void EndFormat()
{
    format.WaitForExit();
    if (format.ExitCode != 0)
        throw new CakeException($"'dotnet format' ended with exit code {format.ExitCode}.");
}

void CheckCoverage(string coberturaFile)
{
    double Percent(XElement package, string rate) => 100 * double.Parse((string)package.Attribute(rate), CultureInfo.InvariantCulture);
    var measured = XDocument.Load(coberturaFile).Descendants("package").ToDictionary(
        package => (string)package.Attribute("name"),
        package => (Lines: Percent(package, "line-rate"), Branches: Percent(package, "branch-rate")));

    foreach (var (name, (lines, branches)) in measured.OrderBy(m => m.Key, StringComparer.Ordinal))
    {
        var needs = leastCoverage.TryGetValue(name, out var least) ? $", at least {least.Lines} and {least.Branches} %" : "";
        Information(Invariant($"{name,-20} {lines,6:F1} % of lines {branches,6:F1} % of branches{needs}"));
    }

    var problems = leastCoverage
        .Where(gate => !measured.TryGetValue(gate.Key, out var has) || has.Lines < gate.Value.Lines || has.Branches < gate.Value.Branches)
        .Select(gate => measured.TryGetValue(gate.Key, out var has)
            ? Invariant($"{gate.Key} has {has.Lines:F1} % of lines and {has.Branches:F1} % of branches, needs {gate.Value.Lines} and {gate.Value.Branches} %")
            : $"{gate.Key} was not measured at all")
        .ToList();
    if (problems.Count > 0)
        throw new CakeException($"Too little coverage: {string.Join("; ", problems)}.");
}

// Runs the benchmarks and writes what they print, under a heading and what they ran on.
void Measure(string file, string[] heading, params string[] benchmarks)
{
    System.IO.Directory.CreateDirectory("docs/benchmarks");
    var program = $"tests/Benchmarks/bin/{configuration}/net10.0/Benchmarks.dll";
    // What else the machine was busy with; Linux only.
    var loadBefore = System.IO.File.Exists("/proc/loadavg") ? System.IO.File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
    var sections = benchmarks.Select(name => Run("dotnet", $"{program} {name}", capture: true)).ToArray();
    System.IO.File.WriteAllText(file, string.Join('\n', [
        .. heading,
        $"This run: {Environment.ProcessorCount} cores, load average {loadBefore} before it, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}, {System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription}, {DateTime.UtcNow:yyyy-MM-dd}.",
        "",
        .. sections.Select(section => section.Trim() + "\n"),
    ]));
}

string Invariant(FormattableString text) => FormattableString.Invariant(text);

// ---- targets -------------------------------------------------------------------------------------------------------

var current = "";
TaskSetup(context => current = context.Task.Name);
Teardown(context =>
{
    if (format is { HasExited: false })
        format.Kill(entireProcessTree: true);
    LeaveStranger();
    if (!context.Successful)
        Information("Failed step: {0}: {1}", current, context.ThrownException?.Message);
});

Task("Clean")
    .Description("Removes artifacts/ and every bin/ and obj/ of sdk, samples and tests.")
    .Does(() =>
{
    var folders = GetDirectories("./{sdk,samples,tests}/**/{bin,obj}") + GetDirectories("./artifacts");
    // A bin inside an obj is already gone when its turn comes.
    foreach (var folder in folders.Where(DirectoryExists))
        DeleteDirectory(folder, new DeleteDirectorySettings { Recursive = true, Force = true });
});

Task("Build")
    .Description("Builds the solution, warnings are errors (--configuration=Release).")
    .Does(() => Dotnet($"build {Solution} -c {configuration}"));

Task("Test")
    .Description("Runs all tests; results in artifacts/test-results (the default).")
    .IsDependentOn("Build")
    .Does(() =>
{
    CleanDirectory(TestResults);
    Dotnet(testCommand);
});

Task("Coverage")
    .Description("Runs all tests with coverage, reports in artifacts/coverage, and fails below the least coverage.")
    .IsDependentOn("Build")
    .Does(() =>
{
    CleanDirectory(TestResults);
    CleanDirectory(CoverageReport);
    Dotnet($"{testCommand} --collect \"XPlat Code Coverage\" --settings coverlet.runsettings");
    Dotnet($"reportgenerator \"-reports:{TestResults}/*/coverage.cobertura.xml\" -targetdir:{CoverageReport} "
        + "\"-reporttypes:Cobertura;Html;MarkdownSummaryGithub\" -verbosity:Warning");
    CheckCoverage($"{CoverageReport}/Cobertura.xml");
});

Task("BeginFormat")
    .IsDependentOn("Build")
    .Does(BeginFormat);

Task("Format")
    .Description("Fails if dotnet format would change anything.")
    .IsDependentOn("Build")
    .Does(() =>
{
    if (format is null)
        BeginFormat();
    EndFormat();
});

Task("Pack")
    .Description("Packs the sdk projects, with symbols, to artifacts/packages.")
    .IsDependentOn("Build")
    .Does(() =>
{
    CleanDirectory(Packages);
    Dotnet($"pack {Solution} -c {configuration} --no-build -o {Packages}");
});

#load "tests/smoke/smoke.cake"

Task("Simulate")
    .Description("Runs many seeds of the simulation (--seeds=20000 --first=1); prints how often every fault fired.")
    .IsDependentOn("Build")
    .Does(() => Run(
        "dotnet",
        $"test tests/Sequent.Bus.Tests -c {configuration} --no-build --filter FullyQualifiedName~The_bus_keeps_its_promises --logger console;verbosity=detailed",
        environment: new Dictionary<string, string> { ["SEQUENT_SIM_FIRST"] = Argument("first", "1"), ["SEQUENT_SIM_COUNT"] = Argument("seeds", "20000") }));

Task("KillLoop")
    .Description("Kills the real process again and again (--rounds=1000).")
    .IsDependentOn("Build")
    .Does(() => Run(
        "dotnet",
        $"test tests/Sequent.Cli.Tests -c {configuration} --no-build --filter FullyQualifiedName~Killed_again_and_again --logger console;verbosity=detailed",
        environment: new Dictionary<string, string> { ["SEQUENT_KILL_ROUNDS"] = Argument("rounds", "1000") }));

Task("BankUnderFire")
    .Description("The bank with its processes killed and frozen, and its audit, with SQLite and then with PostgreSQL (--seconds=600 each; --seed=N to repeat one).")
    .IsDependentOn("Build")
    .Does(() => Run(
        "dotnet",
        $"test tests/EndToEnd -c {configuration} --no-build --filter FullyQualifiedName~BankUnderFire --logger console;verbosity=detailed",
        environment: new Dictionary<string, string> { ["SEQUENT_FIRE_SECONDS"] = Argument("seconds", "600"), ["SEQUENT_FIRE_SEED"] = Argument("seed", "") }));

Task("BenchBus")
    .Description("Measures the bus as a process of its own, about seven minutes; writes docs/benchmarks-bus.md.")
    .IsDependentOn("Build")
    .Does(() =>
{
    Measure("docs/benchmarks-bus.md", [
        "# The bus, measured",
        "",
        "Written by `dotnet cake --target=BenchBus`. The bus is `sequent server` in a process of its own, with fsync, clients on the same machine.",
    ], "start 1000000 5000000", "handover", "sessions", "slow", "flood");
});

Task("Bench")
    .Description("Measures Sequent beside the wire, the store and Redis (apt-get install redis-server), about thirty minutes; writes docs/benchmarks.md and docs/benchmarks.")
    .IsDependentOn("Build")
    .Does(() =>
{
    Measure("docs/benchmarks.md", [
        "# Sequent beside the wire, the store and Redis",
        "",
        "Written by `dotnet cake --target=Bench`. Every bus and server is a process of its own, on this machine, beside the client; `sequent bench` repeats the single loads.",
        "All programs of .NET, clients and echo too, run with the settings of `sequent`: at least 16 threads in the pool, which spin little, and a first generation of 32 MiB; bus and echo read sockets on the threads that learn of them.",
    ], "compare 3", "rebuild 3", "connections docs/benchmarks/connections.png");
    Measure("docs/benchmarks/steps.md", [
        "# The steps of an event, measured",
        "",
        "Written by `dotnet cake --target=Bench`.",
    ], "steps");
});

Task("BenchGrown")
    .Description("Measures publishing with ten million events under a million keys stored, about eight minutes; needs 7 GB of the disk of temporary files. Writes docs/benchmarks/grown.md.")
    .IsDependentOn("Build")
    .Does(() =>
{
    Measure("docs/benchmarks/grown.md", [
        "# A large log, measured",
        "",
        "Written by `dotnet cake --target=BenchGrown`, which needs 7 GB of the disk where temporary files are. Every bus is `sequent server` in a process of its own, with fsync, beside the client.",
    ], "grown 10000000 1000000");
});

Task("Mutate")
    .Description("Mutates the code that decides, retries and reconnects, and counts what the tests notice; more than an hour. What is mutated stands in stryker-config.json.")
    .Does(() =>
{
    foreach (var tests in new[] { "tests/Sequent.Client.Tests", "tests/Sequent.Bus.Tests" })
        Run("dotnet", "stryker", tests);
});

Task("BenchClient")
    .Description("Measures what the SDK allocates, about a minute; writes docs/benchmarks-client.md.")
    .IsDependentOn("Build")
    .Does(() =>
{
    Measure("docs/benchmarks-client.md", [
        "# The SDK, measured",
        "",
        "Written by `dotnet cake --target=BenchClient`.",
    ], "publish");
});

Task("BenchBank")
    .Description("Measures transfers over HTTP, about two minutes; writes docs/benchmarks-bank.md.")
    .IsDependentOn("Build")
    .Does(() =>
{
    Measure("docs/benchmarks-bank.md", [
        "# The bank, measured",
        "",
        "Written by `dotnet cake --target=BenchBank`. The bus and every instance of a service are processes of their own, with SQLite and fsync, and so is the client, all on one machine.",
    ], "bank");
});

Task("ApiDocs")
    .Description("Writes docs/api from the XML documentation of the packages; a test fails while it is not up to date.")
    .IsDependentOn("Build")
    .Does(() => Run(
        "dotnet",
        $"test tests/Docs.Tests -c {configuration} --no-build --filter FullyQualifiedName~ApiPages",
        environment: new Dictionary<string, string> { ["SEQUENT_WRITE_API_PAGES"] = "1" }));

Task("CI")
    .Description("Everything a change must pass: Build, Coverage, Pack, Smoke, Aot, Format.")
    .IsDependentOn("Build")
    .IsDependentOn("Coverage")
    .IsDependentOn("Pack")
    .IsDependentOn("BeginFormat")
    .IsDependentOn("Smoke")
    .IsDependentOn("Aot")
    .IsDependentOn("Format");

RunTarget(target);
