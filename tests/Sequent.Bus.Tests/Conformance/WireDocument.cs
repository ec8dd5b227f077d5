using System.Text.RegularExpressions;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Reads docs/protocol.md: its conversations, and its text.</summary>
internal static partial class WireDocument
{
    public static string Text { get; } = File.ReadAllText(Find());

    /// <summary>Every conversation, with the heading it stands under.</summary>
    public static IEnumerable<Conversation> Conversations()
    {
        var heading = "";
        Conversation? open = null;
        foreach (var line in Text.Split('\n'))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
                heading = line[3..];
            else if (line.StartsWith("```wire ", StringComparison.Ordinal))
                open = new Conversation(heading, line.EndsWith("v1", StringComparison.Ordinal) ? ProtocolVersion.V1 : ProtocolVersion.V2, []);
            else if (line == "```" && open is not null)
            {
                yield return open;
                open = null;
            }
            else
                open?.Lines.Add(ReadLine(line));
        }
    }

    private static WireLine ReadLine(string line)
    {
        if (line == "bus stops")
            return new WireLine("", WireLineKind.BusStops, "");
        var parts = LineForm().Match(line);
        Assert.That(parts.Success, Is.True, $"a line of a conversation: {line}");
        return new WireLine(parts.Groups[1].Value, parts.Groups[2].Value == ">" ? WireLineKind.Sent : WireLineKind.Received, parts.Groups[3].Value);
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "ClientSdk.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "docs", "protocol.md");
    }

    [GeneratedRegex("^([a-z])([<>]) (.+)$")]
    private static partial Regex LineForm();
}

/// <summary>What clients and the bus say to each other, in order.</summary>
internal sealed record Conversation(string Heading, ProtocolVersion Version, List<WireLine> Lines);

/// <summary>One message: who sends or gets it, and its text.</summary>
internal sealed record WireLine(string Client, WireLineKind Kind, string Text);

internal enum WireLineKind
{
    Sent,
    Received,
    BusStops,
}
