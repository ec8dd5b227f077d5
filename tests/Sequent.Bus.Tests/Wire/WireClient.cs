using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Wire;

/// <summary>Speaks plain JSON over a real socket, as a client in any language would.</summary>
internal sealed class WireClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ClientWebSocket _socket;

    private readonly List<JsonObject> _deliveries = [];

    private WireClient(ClientWebSocket socket) => _socket = socket;

    public JsonObject Hello { get; set; } = [];

    public string? Subprotocol => _socket.SubProtocol;

    public static async Task<WireClient> ConnectAsync(Uri address, ProtocolVersion version, string? origin = null)
    {
        var socket = new ClientWebSocket();
        if (version == ProtocolVersion.V2)
            socket.Options.AddSubProtocol(WireNames.Subprotocol);
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        using var limit = new CancellationTokenSource(Limit);
        await socket.ConnectAsync(address, limit.Token);
        return new WireClient(socket);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);

    public async Task SendAsync(byte[] bytes, WebSocketMessageType type, bool endOfMessage = true)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.SendAsync(bytes, type, endOfMessage, limit.Token);
    }

    /// <summary>The next message, which must be of this type.</summary>
    public async Task<JsonObject> ReceiveAsync(string messageType)
    {
        var message = await ReceiveAsync();
        Assert.That((string?)message["message_type"], Is.EqualTo(messageType), message.ToJsonString());
        return message;
    }

    public async Task<JsonObject> ReceiveAsync() => JsonNode.Parse(await ReceiveTextAsync())!.AsObject();

    public async Task<string> ReceiveTextAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        using var message = new MemoryStream();
        var chunk = new byte[16 * 1024];
        while (true)
        {
            var result = await _socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
            Assert.That(result.MessageType, Is.Not.EqualTo(WebSocketMessageType.Close), $"the bus closed: {_socket.CloseStatusDescription}");
            message.Write(chunk, 0, result.Count);
            if (result.EndOfMessage)
                return Encoding.UTF8.GetString(message.ToArray());
        }
    }

    /// <summary>The next message, or null if the connection ended, politely or not.</summary>
    public async Task<JsonObject?> TryReceiveAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        using var message = new MemoryStream();
        var chunk = new byte[16 * 1024];
        try
        {
            while (true)
            {
                var result = await _socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
                if (result.MessageType == WebSocketMessageType.Close)
                    return null;
                message.Write(chunk, 0, result.Count);
                if (result.EndOfMessage)
                    return JsonNode.Parse(message.ToArray())!.AsObject();
            }
        }
        catch (WebSocketException)
        {
            return null;
        }
    }

    /// <summary>Publishes one event and returns its receipt entry.</summary>
    public async Task<JsonObject> PublishAsync(string key, object? value = null, string type = "deposit", string data = """{"amount":"1.00"}""", string more = "")
    {
        await SendAsync($$"""{"message_type":"new","events":[{{EventText(key, value, type, data, more)}}]}""");
        var receipt = await ReceiveAsync("receipt");
        return receipt["receipts"]!.AsArray()[0]!.AsObject();
    }

    public static string EventText(string key, object? value = null, string type = "deposit", string data = """{"amount":"1.00"}""", string more = "") =>
        $$"""{"consistency":{"key":"{{key}}"{{(value is null ? "" : $",\"value\":{value}")}}},"correlation_id":7,"data":{{data}},"event_type":"{{type}}"{{more}}}""";

    public async Task<JsonObject> RegisterAsync(string clientType, string types = """["*"]""", string more = "")
    {
        await SendAsync($$"""{"message_type":"register","client_type":"{{clientType}}","event_types":{{types}}{{more}}}""");
        return await ReceiveAsync("registration");
    }

    /// <summary>The next deliveries of a v2 session, however they are framed; what came with them is kept for the next call.</summary>
    public async Task<List<JsonObject>> ReceiveDeliveriesAsync(int count)
    {
        while (_deliveries.Count < count)
        {
            foreach (var e in (await ReceiveAsync("events"))["events"]!.AsArray())
                _deliveries.Add(e!.AsObject());
        }

        var deliveries = _deliveries[..count];
        _deliveries.RemoveRange(0, count);
        return deliveries;
    }

    /// <summary>Nothing else was sent: the answer to a question that is asked now is the next message.</summary>
    public async Task<JsonObject> ReceiveNothingElseAsync()
    {
        await SendAsync("""{"message_type":"sequence","request_id":"nothing-else","keys":[]}""");
        return await ReceiveAsync("sequences");
    }

    public void Abort() => _socket.Abort();

    public async Task CloseAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
    }

    public async Task<WebSocketCloseStatus?> ReceiveCloseAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var result = await _socket.ReceiveAsync(new byte[1024].AsMemory(), limit.Token);
        Assert.That(result.MessageType, Is.EqualTo(WebSocketMessageType.Close));
        return _socket.CloseStatus;
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return default;
    }
}
