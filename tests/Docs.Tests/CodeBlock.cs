namespace Docs.Tests;

/// <summary>A block of C# in a page. Its paragraphs, between which a test may assert something, have to stand in one source file, in their order.</summary>
/// <param name="Page">The page.</param>
/// <param name="Paragraphs">Each with its first line's number in the page.</param>
internal sealed record CodeBlock(string Page, IReadOnlyList<(int Line, string Text)> Paragraphs)
{
    public static IEnumerable<CodeBlock> Of(string page)
    {
        var lines = Repository.ReadLines(page);
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != "```csharp")
                continue;
            var end = Array.FindIndex(lines, i + 1, line => line.Trim() == "```");
            yield return new CodeBlock(page, [.. ParagraphsOf(lines, i + 1, end)]);
            i = end;
        }
    }

    /// <summary>What no source has, or null if one has it all.</summary>
    /// <param name="sources">Source files, as <see cref="Flatten"/> makes them.</param>
    public string? FindMissing(IReadOnlyList<string> sources)
    {
        var found = sources.Max(CountIn);
        if (found == Paragraphs.Count)
            return null;
        var (line, text) = Paragraphs[found];
        return $"{Page}:{line}: no file of tests/ or samples/ has this, after what stands before it in the block: {text.Split('\n')[0]}";
    }

    /// <summary>Without indentation, and with every line between two ends of lines.</summary>
    public static string Flatten(IEnumerable<string> lines) => $"\n{string.Join('\n', lines.Select(line => line.Trim()))}\n";

    private int CountIn(string source)
    {
        var (count, from) = (0, 0);
        foreach (var (_, text) in Paragraphs)
        {
            var at = source.IndexOf($"\n{text}\n", from, StringComparison.Ordinal);
            if (at < 0)
                break;
            count++;
            from = at + text.Length + 1;
        }

        return count;
    }

    private static IEnumerable<(int Line, string Text)> ParagraphsOf(string[] lines, int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            var first = i;
            while (i < end && lines[i].Trim().Length > 0)
                i++;
            if (i > first)
                yield return (first + 1, Flatten(lines[first..i]).Trim('\n'));
        }
    }
}
