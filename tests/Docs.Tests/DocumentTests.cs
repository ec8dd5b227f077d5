using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Docs.Tests;

/// <summary>The code of the documents is code that compiles, and that runs where it can; their links lead somewhere.</summary>
public partial class DocumentTests
{
    private static readonly Lazy<string[]> Sources = new(() =>
        [.. Repository.Files("*.cs").Where(f => f.StartsWith("tests/", StringComparison.Ordinal) || f.StartsWith("samples/", StringComparison.Ordinal)).Select(f => CodeBlock.Flatten(Repository.ReadLines(f)))]);

    private static readonly ConcurrentDictionary<string, HashSet<string>> Places = new(StringComparer.Ordinal);

    private static string[] Pages => Repository.Pages;

    private static string[] AllPages => [.. Pages, .. Repository.Files("*.md").Where(f => f.StartsWith("docs/api/", StringComparison.Ordinal))];

    [TestCaseSource(nameof(Pages))]
    public void Every_block_of_CSharp_is_part_of_code_that_compiles(string page) =>
        Assert.That(CodeBlock.Of(page).Skip(IsReadme(page) ? 1 : 0).Select(block => block.FindMissing(Sources.Value)).OfType<string>(), Is.Empty);

    [TestCaseSource(nameof(AllPages))]
    public void Every_link_within_the_repository_leads_to_a_file_and_a_place_in_it(string page)
    {
        var broken = Repository.ReadLines(page).SelectMany((line, i) => Link().Matches(line).Select(m => (Line: i + 1, Target: m.Groups["target"].Value))).Where(link => !Exists(page, link.Target));
        Assert.That(broken.Select(link => $"{page}:{link.Line}: there is no {link.Target}"), Is.Empty);
    }

    [Test]
    public void A_block_that_stands_nowhere_is_told_with_its_page_and_line()
    {
        var block = new CodeBlock("page.md", [(3, "var a = 1;\nUse(a);"), (6, "var b = 2;")]);
        Assert.That(block.FindMissing([CodeBlock.Flatten(["  var a = 1;", "  Use(a);", "Assert(a);", "  var b = 2;"])]), Is.Null);
        Assert.That(block.FindMissing([CodeBlock.Flatten(["var b = 2;", "var a = 1;", "Use(a);"])]), Does.StartWith("page.md:6: ").And.EndWith(": var b = 2;"), "the order counts");
        Assert.That(block.FindMissing([CodeBlock.Flatten(["var a = 10;", "Use(a);"])]), Does.StartWith("page.md:3: "));
    }

    /// <summary>The first program of the repository's README, and of each package's, is built and run by the Smoke target, and so is getting-started.md, whose blocks have titles.</summary>
    private static bool IsReadme(string page) => page is "README.md" || page.StartsWith("sdk/", StringComparison.Ordinal);

    private static bool Exists(string page, string target)
    {
        var parts = target.Split('#', 2);
        var file = parts[0].Length == 0 ? page : Path.GetRelativePath(Repository.Root, Path.Combine(Repository.PathOf(page), "..", parts[0])).Replace('\\', '/');
        return Path.Exists(Repository.PathOf(file)) && (parts.Length == 1 || PlacesOf(file).Contains(parts[1]));
    }

    /// <summary>Headings, named as GitHub names them, and anchors.</summary>
    private static HashSet<string> PlacesOf(string page) => Places.GetOrAdd(page, static name => Repository.ReadLines(name).SelectMany(line => line.StartsWith('#')
        ? [NoPartOfName().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-')]
        : Anchor().Matches(line).Select(m => m.Groups["id"].Value)).ToHashSet(StringComparer.Ordinal));

    [GeneratedRegex(@"\]\((?<target>(?!https?:)[^)\s]+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoPartOfName();

    [GeneratedRegex("""<a id="(?<id>[^"]+)">""", RegexOptions.ExplicitCapture)]
    private static partial Regex Anchor();
}
