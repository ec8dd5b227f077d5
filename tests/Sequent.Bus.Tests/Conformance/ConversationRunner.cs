using System.Globalization;
using System.Text.Json;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Has one conversation of the document with a bus over real sockets, and compares what comes back.</summary>
internal sealed class ConversationRunner(Conversation conversation) : IAsyncDisposable
{
    private readonly ShapeComparer _comparer = new();
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private BusUnderTest _bus = null!;
    private Task? _stopping;

    /// <summary>Runs it, line by line, and checks that nothing was left out.</summary>
    public async Task RunAsync()
    {
        _bus = await BusUnderTest.StartAsync();
        foreach (var line in conversation.Lines)
        {
            switch (line.Kind)
            {
                case LineKind.Happens: await HappenAsync(line.Text); break;
                case LineKind.Sent: await SendAsync(await PeerAsync(line), line); break;
                default: await ReceiveAsync(await PeerAsync(line), line); break;
            }
        }

        foreach (var peer in _peers.Values.Where(p => _stopping is null && !p.HasEnded))
            await AssertNothingElseAsync(peer);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values)
            await peer.Client.DisposeAsync();
        await (_stopping ?? StopAsync());
    }

    private Task StopAsync() => _bus is null ? Task.CompletedTask : _bus.DisposeAsync().AsTask();

    /// <summary>A connection is made when it is named first. Its <c>hello</c> is skipped unless the document shows it.</summary>
    private async Task<Peer> PeerAsync(WireLine line)
    {
        if (_peers.TryGetValue(line.Client, out var known))
            return known;
        var peer = new Peer(await WireClient.ConnectAsync(_bus.Address, conversation.Version));
        _peers.Add(line.Client, peer);
        if (conversation.Version == ProtocolVersion.V2 && !(line.Kind == LineKind.Received && TypeOf(Parse(line.Text)) == "hello"))
            Assert.That(TypeOf(await peer.NextAsync()), Is.EqualTo("hello"));
        return peer;
    }

    private async Task SendAsync(Peer peer, WireLine line)
    {
        if (line.IsMessage)
        {
            await peer.Client.SendAsync(_comparer.InThisRun(line.Text));
            return;
        }

        Assert.That(line.Text, Is.EqualTo("close"), "all that can be sent besides messages");
        await peer.Client.CloseAsync();
        peer.HasEnded = true;
    }

    private async Task ReceiveAsync(Peer peer, WireLine line)
    {
        if (line.IsMessage)
        {
            // How deliveries are put into frames is up to the bus, so they are compared one by one.
            foreach (var written in Peer.Split(Parse(line.Text)))
                _comparer.AssertAlike(written, await peer.NextAsync());
            return;
        }

        if (line.Text == "end")
            Assert.That(await peer.Client.TryReceiveAsync(), Is.Null, "TCP ends");
        else
            Assert.That($"close {((int?)await peer.Client.ReceiveCloseAsync())?.ToString(CultureInfo.InvariantCulture)}", Is.EqualTo(line.Text));
        peer.HasEnded = true;
        await peer.Client.DisposeAsync();
    }

    private async Task HappenAsync(string what)
    {
        if (what == "the bus stops")
        {
            _stopping = StopAsync();
            return;
        }

        const string redrive = "an operator redrives position ";
        Assert.That(what, Does.StartWith(redrive), "all that can happen besides messages");
        var words = what[redrive.Length..].Split(" for ");
        using var http = new HttpClient();
        var address = new UriBuilder(_bus.Address) { Scheme = "http", Path = "/admin/dead-letter/redrive", Query = $"name={words[1]}&position={words[0]}" };
        using var answer = await http.PostAsync(address.Uri, null);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The answer to a question that is asked now is the next message: the document leaves nothing out.</summary>
    private async Task AssertNothingElseAsync(Peer peer)
    {
        var (question, answer) = conversation.Version == ProtocolVersion.V2
            ? ("""{"message_type":"sequence","request_id":"nothing-else","keys":[]}""", """{"message_type":"sequences","request_id":"nothing-else","values":{}}""")
            : ("""{"message_type":"query","event_types":[],"since":"*"}""", """{"events":[],"message_type":"rebuild"}""");
        await peer.Client.SendAsync(question);
        var next = await peer.NextAsync();
        Assert.That(next.GetRawText(), Is.EqualTo(answer), "the document leaves something out");
    }

    private static JsonElement Parse(string text) => JsonDocument.Parse(text).RootElement;

    private static string? TypeOf(JsonElement message) => message.TryGetProperty("message_type", out var type) ? type.GetString() : null;

    /// <summary>A connection of the conversation.</summary>
    private sealed class Peer(WireClient client)
    {
        private readonly Queue<JsonElement> _received = new();

        public WireClient Client { get; } = client;

        /// <summary>Its connection is over.</summary>
        public bool HasEnded { get; set; }

        /// <summary>The next message, or the next delivery of those that came together.</summary>
        public async Task<JsonElement> NextAsync()
        {
            while (_received.Count == 0)
            {
                foreach (var part in Split(Parse(await Client.ReceiveTextAsync())))
                    _received.Enqueue(part);
            }

            return _received.Dequeue();
        }

        public static List<JsonElement> Split(JsonElement message) =>
            TypeOf(message) == "events" ? [.. message.GetProperty("events").EnumerateArray()] : [message];
    }
}
