using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>docs/protocol.md says what the bus does: its conversations are had with a bus, and nothing that can be on the wire is missing.</summary>
internal sealed partial class ProtocolDocumentTests
{
    private static readonly ProtocolDocument Document = ProtocolDocument.Read();

    /// <summary>Names on the wire that are not those of the properties.</summary>
    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.Ordinal)
    {
        [nameof(WireEvent.TraceParent)] = "traceparent",
        [nameof(WireEvent.TraceState)] = "tracestate",
        [nameof(QueryMessage.Descending)] = "order",
        [nameof(StartPosition.IsEarliest)] = "start",
        [nameof(DeliveredEvent.Event)] = "event",
    };

    private static IEnumerable<TestCaseData> Conversations => Document.Conversations.Select(c => new TestCaseData(c).SetArgDisplayNames($"{c.Version}: {c.Title}"));

    private static IEnumerable<TestCaseData> CanonicalExamples => Document.Canonical.Select(c => new TestCaseData(c).SetArgDisplayNames(c.Data));

    [TestCaseSource(nameof(Conversations))]
    public async Task A_conversation_of_the_document_happens_as_written(Conversation conversation)
    {
        await using var runner = new ConversationRunner(conversation);
        await runner.RunAsync();
    }

    [TestCaseSource(nameof(CanonicalExamples))]
    public async Task Data_have_the_canonical_text_and_the_checksum_of_the_document(CanonicalExample example)
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using var client = await bus.ConnectV1Async();
        await client.RegisterAsync("accounts");
        Assert.That((string?)(await client.PublishAsync("k", data: example.Data))["checksum"], Is.EqualTo(example.Checksum));
        Assert.That(await client.ReceiveTextAsync(), Does.Contain($"\"data\":{example.Canonical},\"event_type\""));
        Assert.That(Checksum.Compute(Encoding.UTF8.GetBytes(example.Canonical)), Is.EqualTo(example.Checksum), "it is its own canonical text");
    }

    [Test]
    public void Every_status_every_error_code_and_every_reason_is_explained()
    {
        var names = Enum.GetNames<ReceiptStatus>().Select(ToWire).Concat(ConstantsOf(typeof(ErrorCodes))).Concat(ConstantsOf(typeof(RejectReasons)));
        Assert.That(names.Where(name => !IsNamed(name)), Is.Empty);
    }

    [Test]
    public void Every_message_type_is_shown_in_its_direction()
    {
        Assert.That(TypesShown(LineKind.Sent), Is.SupersetOf(TypesOf(typeof(ClientMessage))));
        Assert.That(TypesShown(LineKind.Received), Is.SupersetOf(TypesOf(typeof(BusMessage)).Append("event")));
    }

    [Test]
    public void Every_message_type_has_a_section() =>
        Assert.That(
            TypesOf(typeof(ClientMessage)).Concat(TypesOf(typeof(BusMessage))).Append("event").Where(type => !HasSection(type)),
            Is.Empty);

    [Test]
    public void Every_field_is_explained()
    {
        var records = MessagesOf(typeof(ClientMessage)).Concat(MessagesOf(typeof(BusMessage)))
            .Concat([typeof(NewEvent), typeof(StartPosition), typeof(BusLimits), typeof(ReceiptEntry), typeof(WireEvent), typeof(DeliveredEvent)]);
        var fields = records.SelectMany(r => r.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Select(p => OtherNames.GetValueOrDefault(p.Name) ?? ToWire(p.Name)).Distinct();
        Assert.That(fields.Where(field => !IsNamed(field)), Is.Empty);
    }

    [Test]
    public void Numbers_both_ends_must_agree_on_are_told()
    {
        foreach (var text in new[] { $"`{WireNames.Subprotocol}`", $"`{WireNames.DefaultContentType}`", $"{WireNames.MaxDepth} levels", $"{WireNames.MaxRequestIdLength} UTF-16", $"{WireNames.MaxNackDelayMs}", $"{WireNames.MaxExtensionMs}" })
            Assert.That(Document.Text, Does.Contain(text));
    }

    [Test]
    public void Every_link_within_the_document_leads_somewhere()
    {
        var places = Heading().Matches(Document.Text).Select(h => NotInLinks().Replace(h.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-')).ToHashSet();
        Assert.That(Link().Matches(Document.Text).Select(l => l.Groups["place"].Value).Where(place => !places.Contains(place)), Is.Empty);
    }

    private static IEnumerable<string> TypesShown(LineKind kind) => Document.Conversations.SelectMany(c => c.Lines)
        .Where(l => l.Kind == kind && l.IsMessage)
        .Select(l => ShownType().Match(l.Text).Groups["type"].Value);

    /// <summary>The names of the messages: those of their records, except that v1 has an ack of its own.</summary>
    private static IEnumerable<string> TypesOf(Type parent) =>
        MessagesOf(parent).Where(t => t != typeof(EventAckMessage)).Select(t => ToWire(t.Name[..^"Message".Length]));

    private static IEnumerable<Type> MessagesOf(Type parent) => parent.Assembly.GetTypes().Where(t => !t.IsAbstract && t.IsAssignableTo(parent));

    private static IEnumerable<string> ConstantsOf(Type names) =>
        names.GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!);

    private static string ToWire(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    private static bool IsNamed(string name) => Document.Text.Contains($"`{name}`", StringComparison.Ordinal);

    /// <summary>The type of a message, which is the last one in its text if events of it have types as well. (Not all that is sent is JSON.)</summary>
    [GeneratedRegex(@"""message_type"":""(?<type>\w+)""", RegexOptions.RightToLeft | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ShownType();

    [GeneratedRegex(@"^#+ (?<text>.+)$", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w -]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NotInLinks();

    [GeneratedRegex(@"\]\(#(?<place>[^)]*)\)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Link();

    private static bool HasSection(string type) =>
        Regex.IsMatch(Document.Text, $"^#+ .*`{type}`", RegexOptions.Multiline | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
