namespace Bank.Web.Tests.Support;

/// <summary>Where the pictures of the page are kept: <c>artifacts/screenshots</c> of the repository.</summary>
internal static class Pictures
{
    public static string Folder { get; } = Directory.CreateDirectory(Path.Combine(FindRepository(), "artifacts", "screenshots")).FullName;

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClientSdk.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Not within the repository.");
        return folder;
    }
}
