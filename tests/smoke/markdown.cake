// The code blocks of a document. What stands behind the language is for whoever runs the document: ```csharp title="Program.cs"
using System.Text.RegularExpressions;

sealed record CodeBlock(string Language, string Title, string Text)
{
    public string[] Lines => Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static List<CodeBlock> Of(string file)
    {
        var document = System.IO.File.ReadAllText(file).ReplaceLineEndings("\n");
        var blocks = Regex.Matches(document, "^```(?<language>\\w*)(?: title=\"(?<title>[^\"\\n]*)\")?\\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)
            .Select(m => new CodeBlock(m.Groups["language"].Value, m.Groups["title"].Value, m.Groups["text"].Value))
            .ToList();
        // A block that is written in another way must not be passed over.
        var fences = Regex.Count(document, "^\\s*```", RegexOptions.Multiline);
        return fences == 2 * blocks.Count ? blocks : throw new CakeException($"{file} has {fences} fences, of which {blocks.Count} pairs can be read.");
    }
}
