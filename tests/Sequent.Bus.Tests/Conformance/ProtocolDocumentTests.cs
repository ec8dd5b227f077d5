using System.Reflection;
using System.Text.Json.Nodes;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>What docs/protocol.md says is what happens: its conversations are held with a real bus, over real sockets.</summary>
internal sealed class ProtocolDocumentTests
{
    /// <summary>The log of the document; sent messages that name it name the real one instead.</summary>
    private const string LogId = "6f1f0a52-2a0f-4a39-93a5-0e1d6f0a8b11";

    /// <summary>These differ from run to run, so only their kind is compared.</summary>
    private static readonly HashSet<string> Varying = ["log_id", "session_id", "sender", "timestamp", "timestamp_raw", "time", "version", "message"];

    private static IEnumerable<TestCaseData> Conversations() =>
        WireDocument.Conversations().Select((conversation, i) => new TestCaseData(conversation).SetArgDisplayNames($"{i + 1}: {conversation.Heading}"));

    [TestCaseSource(nameof(Conversations))]
    public async Task A_conversation_of_the_document_goes_as_it_says(Conversation conversation)
    {
        var bus = await BusUnderTest.StartAsync();
        var clients = new Dictionary<string, WireClient>();
        Task stopping = Task.CompletedTask;
        foreach (var line in conversation.Lines)
        {
            if (line.Kind == WireLineKind.BusStops)
            {
                stopping = bus.DisposeAsync().AsTask();
                continue;
            }

            var client = await ClientAsync(bus, clients, conversation.Version, line);
            if (line.Kind == WireLineKind.Sent)
                await client.SendAsync(line.Text.Replace(LogId, (string?)client.Hello["log_id"] ?? "", StringComparison.Ordinal));
            else
                Compare(await client.ReceiveAsync(), JsonNode.Parse(line.Text)!, line.Text);
        }

        foreach (var client in clients.Values)
            await client.DisposeAsync();
        await stopping;
        await bus.DisposeAsync();
    }

    /// <summary>A client connects when it is first named; the first message of a v2 session is read silently unless the document shows it.</summary>
    private static async Task<WireClient> ClientAsync(BusUnderTest bus, Dictionary<string, WireClient> clients, ProtocolVersion version, WireLine line)
    {
        if (clients.TryGetValue(line.Client, out var client))
            return client;
        var showsHello = line.Kind == WireLineKind.Received;
        client = version == ProtocolVersion.V2 && !showsHello ? await bus.ConnectV2Async() : await WireClient.ConnectAsync(bus.Address, version);
        clients.Add(line.Client, client);
        return client;
    }

    private static void Compare(JsonNode? actual, JsonNode? expected, string message, string name = "")
    {
        if (Varying.Contains(name))
            Assert.That(actual?.GetValueKind(), Is.EqualTo(expected?.GetValueKind()), $"{name} of {message}");
        else if (expected is JsonObject expectedObject)
        {
            Assert.That(actual!.AsObject().Select(p => p.Key), Is.EquivalentTo(expectedObject.Select(p => p.Key)), $"{name} of {message}\ngot {actual.ToJsonString()}");
            foreach (var (field, value) in expectedObject)
                Compare(actual[field], value, message, field);
        }
        else if (expected is JsonArray expectedArray)
        {
            Assert.That(actual!.AsArray(), Has.Count.EqualTo(expectedArray.Count), $"{name} of {message}\ngot {actual.ToJsonString()}");
            for (var i = 0; i < expectedArray.Count; i++)
                Compare(actual[i], expectedArray[i], message, name);
        }
        else
            Assert.That(actual?.ToJsonString(), Is.EqualTo(expected?.ToJsonString()), $"{name} of {message}");
    }

    [TestCaseSource(nameof(MessageTypes))]
    public void Every_message_has_an_example(string messageType) =>
        Assert.That(WireDocument.Conversations().SelectMany(c => c.Lines).Where(l => l.Text.StartsWith('{')).Select(l => (string?)JsonNode.Parse(l.Text)!["message_type"]), Does.Contain(messageType));

    private static readonly string[] MessageTypes =
    [
        "register", "registration", "new", "receipt", "event", "events", "ack", "nack", "extend", "unregister", "unregistered", "revoked", "draining",
        "hello", "query", "rebuild", "more", "cancel", "caught_up", "sequence", "sequences", "error",
    ];

    [TestCaseSource(nameof(Codes))]
    public void Every_code_and_reason_is_explained(string code) => Assert.That(WireDocument.Text, Does.Contain($"| `{code}` |"));

    private static IEnumerable<string> Codes() =>
        new[] { typeof(ErrorCodes), typeof(RejectReasons) }
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Select(field => (string)field.GetRawConstantValue()!);
}
