// What a stranger does with the packages, in a folder outside the repository, so that no Directory.*.props reaches in.
#load "terminal.cake"
#load "markdown.cake"
#load "stranger.cake"
#load "getting-started.cake"

Stranger stranger = null;

void LeaveStranger()
{
    if (stranger is not null)
        DeleteDirectory(stranger.Folder, new DeleteDirectorySettings { Recursive = true, Force = true });
}

Task("SmokePackages")
    .Description("Packs under a version of its own into a folder feed outside the repository; Smoke and Aot begin with it.")
    .Does(() =>
{
    stranger = new Stranger(System.IO.Directory.CreateTempSubdirectory("sequent-smoke-").FullName);
    // Its own artifacts path: the build output of the repository keeps its real version.
    Dotnet($"pack {Solution} -c {configuration} -p:Version={stranger.Version} -o {stranger.Feed} --artifacts-path {stranger.Folder}/build");
    CopyDirectory("tests/smoke", stranger.Consumers);
    ByStranger($"tool install Sequent.Cli --version {stranger.Version} --tool-path {stranger.Tools} --add-source {stranger.Feed}");
});

string ByStranger(string arguments) => Run("dotnet", arguments, stranger.Consumers, stranger.Environment, capture: true);

void Expect(string text, string output)
{
    if (!output.Contains(text, StringComparison.Ordinal))
        throw new CakeException($"Expected '{text}', got: {output}");
}

Task("Smoke")
    .Description("Uses the packages as a stranger would: runs the programs of their READMEs, and docs/getting-started.md step by step.")
    .IsDependentOn("SmokePackages")
    .Does(() =>
{
    foreach (var name in new[] { "Bus", "Client", "Protocol", "Testing" })
        WriteProgram(name, $"sdk/Sequent.{name}/README.md", code => code);
    WriteProgram("Readme", "README.md", code => code.Replace("\"ws://localhost:8081\"", "args[0]"));
    ByStranger("build Consumers.slnx");

    Expect("True", ByStranger(stranger.Consumer("Protocol")));
    ByStranger("test Testing --no-build");
    Expect(stranger.Version, Run($"{stranger.Tools}/sequent", "--version", capture: true));
    using (var server = stranger.StartTool("readme.db", out var address))
        Expect("acc-7 has value 0 at position 1", ByStranger($"{stranger.Consumer("Readme")} {address}"));
    using (var server = stranger.StartTool("client.db", out var address))
        RunClient(address);
    using (var web = stranger.Start("dotnet", $"{stranger.Consumer("Bus")} --urls http://127.0.0.1:0"))
    {
        var address = web.Expect("Now listening on: ").Split("http://")[1];
        using var http = new System.Net.Http.HttpClient();
        Expect("ready", http.GetStringAsync($"http://{address}/health/ready").GetAwaiter().GetResult());
        RunClient($"ws://{address}/bus");
    }

    new GettingStarted(stranger).Follow("docs/getting-started.md");
});

// The first C# of a document is the program of the consumer.
void WriteProgram(string consumer, string document, Func<string, string> adapt) =>
    System.IO.File.WriteAllText($"{stranger.Consumers}/{consumer}/Program.cs", adapt(CodeBlock.Of(document).First(b => b.Language == "csharp").Text));

void RunClient(string address)
{
    using var client = stranger.Start("dotnet", $"{stranger.Consumer("Client")} --Sequent:Server={address}");
    client.Expect("acc-7/2: Withdrawn { Amount = 20 }");
}

Task("Aot")
    .Description("Publishes a worker from the packages, trimmed and as native code, without a warning, runs both and prints their sizes.")
    .IsDependentOn("SmokePackages")
    .Does(() =>
{
    var sizes = new List<string>();
    foreach (var (way, property) in new[] { ("trimmed", "PublishTrimmed"), ("native", "PublishAot") })
    {
        var folder = $"{stranger.Folder}/worker-{way}";
        ByStranger($"publish Worker -c Release --use-current-runtime --self-contained -p:{property}=true -o {folder}");
        using (var server = stranger.StartTool($"{way}.db", out var address))
        using (var worker = stranger.Start($"{folder}/Worker", $"--Sequent:Server={address}"))
            worker.Expect("order-1 is confirmed, 7 apples are left");
        var files = GetFiles($"{folder}/**/*").Where(f => f.GetExtension() is not (".pdb" or ".dbg")).ToList();
        sizes.Add(Invariant($"{way} {files.Sum(FileSize) / 1e6:F1} MB in {files.Count} {(files.Count == 1 ? "file" : "files")}"));
    }

    Information("{0}", $"The worker, without its symbols: {string.Join(", ", sizes)}");
});
