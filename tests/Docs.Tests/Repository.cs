namespace Docs.Tests;

/// <summary>The files of this repository, by paths relative to its root.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every page for people; those under <c>docs/api</c> are generated.</summary>
    public static string[] Pages { get; } =
        [.. Files("*.md").Where(f => (f is "README.md" || f.StartsWith("docs/", StringComparison.Ordinal) || f.StartsWith("sdk/", StringComparison.Ordinal)) && !f.StartsWith("docs/api/", StringComparison.Ordinal))];

    public static string[] Files(string pattern) =>
        [.. Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/')).Where(IsSource).Order(StringComparer.Ordinal)];

    public static string[] ReadLines(string file) => File.ReadAllLines(PathOf(file));

    public static string PathOf(string file) => Path.Combine(Root, file);

    private static bool IsSource(string file) => !file.Split('/').Any(folder => folder is "bin" or "obj" or "artifacts" or ".git");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ClientSdk.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("ClientSdk.sln is in no folder above the test assembly.");
    }
}
