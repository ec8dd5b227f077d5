using System.Text.RegularExpressions;

namespace Docs.Tests;

/// <summary>The code of the documents is code that compiles, and that runs where it can; their links lead somewhere.</summary>
public partial class DocumentTests
{
    private static readonly Lazy<string[]> Sources = new(() =>
        [.. Repository.Files("*.cs").Where(f => f.StartsWith("tests/", StringComparison.Ordinal) || f.StartsWith("samples/", StringComparison.Ordinal)).Select(f => CodeBlock.Flatten(Repository.ReadLines(f)))]);

    private static string[] Pages => Repository.Pages;

    [TestCaseSource(nameof(Pages))]
    public void Every_block_of_CSharp_is_part_of_code_that_compiles(string page) =>
        Assert.That(CodeBlock.Of(page).Select(block => block.FindMissing(Sources.Value)).OfType<string>(), Is.Empty);

    [TestCaseSource(nameof(Pages))]
    public void Every_link_within_the_repository_leads_to_a_file(string page)
    {
        var folder = Path.GetDirectoryName(Repository.PathOf(page))!;
        var missing = Repository.ReadLines(page).SelectMany((line, i) => Link().Matches(line).Select(m => (Line: i + 1, Target: m.Groups["target"].Value)))
            .Where(link => !Path.Exists(Path.Combine(folder, link.Target)));
        Assert.That(missing.Select(link => $"{page}:{link.Line}: there is no {link.Target}"), Is.Empty);
    }

    [Test]
    public void A_block_that_stands_nowhere_is_told_with_its_page_and_line()
    {
        var block = new CodeBlock("page.md", [(3, "var a = 1;\nUse(a);"), (6, "var b = 2;")]);
        Assert.That(block.FindMissing([CodeBlock.Flatten(["  var a = 1;", "  Use(a);", "Assert(a);", "  var b = 2;"])]), Is.Null);
        Assert.That(block.FindMissing([CodeBlock.Flatten(["var b = 2;", "var a = 1;", "Use(a);"])]), Does.StartWith("page.md:6: ").And.EndWith(": var b = 2;"), "the order counts");
        Assert.That(block.FindMissing([CodeBlock.Flatten(["var a = 10;", "Use(a);"])]), Does.StartWith("page.md:3: "));
    }

    [GeneratedRegex(@"\]\((?<target>(?!https?:|#)[^)#\s]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
