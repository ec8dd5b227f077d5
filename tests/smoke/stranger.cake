// Somebody with the .NET SDK, the packages in a folder, and an account of their own: nothing is taken from the package cache, the tools and
// the settings of the machine's user, nor left there.
sealed class Stranger
{
    public Stranger(string folder)
    {
        Folder = folder;
        System.IO.Directory.CreateDirectory($"{Home}/.nuget/NuGet");
        var settings = System.IO.Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "NuGet", "NuGet.Config");
        if (System.IO.File.Exists(settings))
            System.IO.File.Copy(settings, $"{Home}/.nuget/NuGet/NuGet.Config");
        Environment = new()
        {
            ["DOTNET_CLI_HOME"] = Home,
            ["NUGET_PACKAGES"] = $"{folder}/cache",
            ["PATH"] = $"{Home}/.dotnet/tools{System.IO.Path.PathSeparator}{System.Environment.GetEnvironmentVariable("PATH")}",
            ["DOTNET_NOLOGO"] = "1",
            ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
            ["RestoreAdditionalProjectSources"] = Feed,
            ["SequentVersion"] = Version,
        };
    }

    public string Folder { get; }

    public string Home => $"{Folder}/home";

    public string Feed => $"{Folder}/feed";

    public string Tools => $"{Folder}/tools";

    public string Consumers => $"{Folder}/consumers";

    /// <summary>New each time, and later than any that is published.</summary>
    public string Version { get; } = $"99.{DateTime.UtcNow:yyMM}.{(int)(DateTime.UtcNow - new DateTime(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1)).TotalMinutes}";

    public Dictionary<string, string> Environment { get; }

    /// <summary>The assembly of a consumer that was built.</summary>
    public string Consumer(string name) => $"{Consumers}/{name}/bin/Debug/net10.0/{name}.dll";

    public Terminal Start(string program, string arguments) => new(program, arguments, Folder, Environment);

    public Terminal StartTool(string data, out string address)
    {
        var server = Start($"{Tools}/sequent", $"server --bind 127.0.0.1:0 --data {data}");
        // "Sequent listens on ws://127.0.0.1:40123, its log is …"
        address = server.Expect("Sequent listens on ").Split(' ')[3].TrimEnd(',');
        return server;
    }
}
