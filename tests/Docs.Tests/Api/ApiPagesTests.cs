using System.Runtime.InteropServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Docs.Tests.Api;

/// <summary>docs/api is what the packages' XML documentation says. With <c>SEQUENT_WRITE_API_PAGES=1</c> the test writes it.</summary>
public class ApiPagesTests
{
    private const string Folder = "docs/api";

    private static readonly string[] Packages = ["Sequent.Client", "Sequent.Testing", "Sequent.Bus", "Sequent.Protocol"];

    private static readonly Lazy<Dictionary<string, string>> Pages = new(Generate);

    private static IEnumerable<string> Names => [.. Packages.Select(p => $"{p}.md"), "README.md"];

    [TestCaseSource(nameof(Names))]
    public void The_page_is_up_to_date(string name)
    {
        var file = Repository.PathOf($"{Folder}/{name}");
        if (Environment.GetEnvironmentVariable("SEQUENT_WRITE_API_PAGES") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, Pages.Value[name]);
        }

        var (stored, built) = (File.Exists(file) ? File.ReadAllLines(file) : [], Pages.Value[name].TrimEnd('\n').Split('\n'));
        var line = stored.Zip(built).TakeWhile(p => p.First == p.Second).Count();
        Assert.That(
            line == stored.Length && line == built.Length,
            $"{Folder}/{name}:{line + 1} is not what the XML documentation says; run `dotnet cake --target=ApiDocs`. It should be: {built.ElementAtOrDefault(line) ?? "the end"}");
    }

    private static Dictionary<string, string> Generate()
    {
        var framework = Directory.GetFiles(RuntimeEnvironment.GetRuntimeDirectory(), "*.dll").Where(f => Path.GetFileName(f) is var n && (n.StartsWith("System.", StringComparison.Ordinal) || n.StartsWith("Microsoft.", StringComparison.Ordinal) || n is "netstandard.dll" or "mscorlib.dll"));
        var beside = Directory.GetFiles(AppContext.BaseDirectory, "*.dll");
        var references = framework.Concat(beside).GroupBy(Path.GetFileName).Select(g => g.First()).Where(IsManaged).ToDictionary(f => Path.GetFileNameWithoutExtension(f), Reference);
        var compilation = CSharpCompilation.Create("docs", references: references.Values);
        var links = new ApiLinks(compilation, Packages);
        var pages = Packages.ToDictionary(p => $"{p}.md", p => new ApiPage((IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(references[p])!, links).Print());
        pages.Add("README.md", "# The API\n\nEvery public type and member, generated from the XML documentation by `dotnet cake --target=ApiDocs`. How to use them: [the guide](../guide/README.md).\n\n"
            + string.Concat(Packages.Select(p => $"- [{p}]({p}.md)\n")));
        return pages;
    }

    private static MetadataReference Reference(string file)
    {
        var xml = Path.ChangeExtension(file, ".xml");
        return MetadataReference.CreateFromFile(file, documentation: File.Exists(xml) ? new XmlFile(xml) : null);
    }

    private static bool IsManaged(string file)
    {
        using var stream = File.OpenRead(file);
        using var reader = new System.Reflection.PortableExecutable.PEReader(stream);
        return reader.HasMetadata;
    }
}
