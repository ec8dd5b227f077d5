using System.Text;
using System.Text.RegularExpressions;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>What stands in docs/protocol.md: its text, its conversations and its table of checksums.</summary>
internal sealed partial class ProtocolDocument
{
    private ProtocolDocument(string text)
    {
        Text = text;
        foreach (Match block in Block().Matches(text))
        {
            var words = block.Groups["info"].Value.Split(' ', 3);
            var lines = Unfold(block.Groups["body"].Value);
            if (words[0] == "wire")
                Conversations.Add(Conversation.Parse(words, lines));
            else if (words[0] == "canonical")
                Canonical.AddRange(lines.Select(CanonicalExample.Parse));
        }
    }

    /// <summary>The whole document.</summary>
    public string Text { get; }

    public List<Conversation> Conversations { get; } = [];

    public List<CanonicalExample> Canonical { get; } = [];

    /// <summary>Reads the document of the repository this test was built from.</summary>
    public static ProtocolDocument Read()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ClientSdk.sln")))
                return new ProtocolDocument(File.ReadAllText(Path.Combine(folder.FullName, "docs", "protocol.md")).ReplaceLineEndings("\n"));
        }

        throw new InvalidOperationException("ClientSdk.sln is in no folder above the test assembly.");
    }

    /// <summary>Lines that begin with white space continue the one before.</summary>
    private static List<string> Unfold(string body)
    {
        var lines = new List<StringBuilder>();
        foreach (var line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!char.IsWhiteSpace(line[0]))
                lines.Add(new StringBuilder(line));
            else
                lines[^1].Append(line.Trim());
        }

        return lines.ConvertAll(l => l.ToString());
    }

    [GeneratedRegex(@"^```(?<info>\w[^\n]*)\n(?<body>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline, 10_000)]
    private static partial Regex Block();
}

/// <summary>Data, its canonical text, and the checksum of that.</summary>
internal sealed record CanonicalExample(string Data, string Canonical, string Checksum)
{
    public static CanonicalExample Parse(string line)
    {
        var parts = line.Split('→', StringSplitOptions.TrimEntries);
        return new CanonicalExample(parts[0], parts[1], parts[2]);
    }
}

/// <summary>One fenced block of the document: what is sent and received over one or several connections, in this order.</summary>
/// <param name="Version">What its connections speak.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Lines">What happens.</param>
internal sealed record Conversation(ProtocolVersion Version, string Title, IReadOnlyList<WireLine> Lines)
{
    /// <param name="info">The info string of the block: <c>wire v2 Title</c>.</param>
    /// <param name="lines">Its lines.</param>
    public static Conversation Parse(string[] info, IReadOnlyList<string> lines) => new(
        info[1] switch
        {
            "v1" => ProtocolVersion.V1,
            "v2" => ProtocolVersion.V2,
            _ => throw new FormatException($"A wire block names v1 or v2, not {info[1]}."),
        },
        info[2],
        [.. lines.Select(WireLine.Parse)]);
}

/// <summary>What a line of a conversation says.</summary>
internal enum LineKind
{
    /// <summary>A client sends a message, or <c>close</c>.</summary>
    Sent,

    /// <summary>A client receives a message, <c>close CODE</c>, or the <c>end</c> of TCP.</summary>
    Received,

    /// <summary>Something else happens, to the bus.</summary>
    Happens,
}

/// <summary>One line of a conversation.</summary>
/// <param name="Client">Which connection; empty where there is only one.</param>
/// <param name="Kind">What it says.</param>
/// <param name="Text">The rest of it.</param>
internal sealed partial record WireLine(string Client, LineKind Kind, string Text)
{
    /// <summary>Whether the text is a message.</summary>
    public bool IsMessage => Text.StartsWith('{');

    public static WireLine Parse(string line)
    {
        var parts = Form().Match(line);
        if (!parts.Success)
            throw new FormatException($"A line of a wire block begins with '>', '<' or '=': {line}");
        var kind = parts.Groups["kind"].Value switch
        {
            ">" => LineKind.Sent,
            "<" => LineKind.Received,
            _ => LineKind.Happens,
        };
        return new WireLine(parts.Groups["client"].Value, kind, parts.Groups["text"].Value);
    }

    [GeneratedRegex(@"^(?<client>\w*)(?<kind>[<>=]) (?<text>.+)$", RegexOptions.None, 1000)]
    private static partial Regex Form();
}
