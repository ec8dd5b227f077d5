using System.Text.RegularExpressions;

namespace Sequent.Testing.Tests;

/// <summary>The code of docs/testing.md is code that runs here.</summary>
public partial class DocumentTests
{
    [Test]
    public void Every_code_block_of_the_document_is_part_of_a_test()
    {
        var repository = FindRepository();
        var sources = Directory.GetFiles(Path.Combine(repository, "tests", "Sequent.Testing.Tests"), "*.cs").Select(File.ReadAllText).Select(WithoutIndentation).ToArray();
        var blocks = CodeBlock().Matches(File.ReadAllText(Path.Combine(repository, "docs", "testing.md"))).Select(b => WithoutIndentation(b.Groups["code"].Value)).ToArray();

        Assert.That(blocks, Has.Length.GreaterThanOrEqualTo(2));
        foreach (var block in blocks)
            Assert.That(sources, Has.Some.Contains(block));
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ClientSdk.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("ClientSdk.sln is in no folder above the test assembly.");
    }

    private static string WithoutIndentation(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim())).Trim();

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CodeBlock();
}
