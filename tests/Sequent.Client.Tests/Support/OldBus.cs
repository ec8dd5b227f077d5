using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sequent.Client.Tests.Support;

/// <summary>A bus that does what the original did where Sequent does better: it is told message by message what to answer.</summary>
internal sealed class OldBus : IAsyncDisposable
{
    private readonly WebApplication _server = FaultyBus.NewApplication();
    private readonly Func<OldBus, JsonNode, IEnumerable<string>> _answer;

    private OldBus(Func<OldBus, JsonNode, IEnumerable<string>> answer)
    {
        _answer = answer;
        _server.UseWebSockets();
        _server.Run(ServeAsync);
    }

    public Uri Address => FaultyBus.AddressOf(_server);

    public ConcurrentQueue<JsonNode> Received { get; } = [];

    /// <summary>How sessions ended: by a Close frame or with TCP.</summary>
    public ConcurrentQueue<string> Ends { get; } = [];

    public static async Task<OldBus> StartAsync(Func<OldBus, JsonNode, IEnumerable<string>> answer)
    {
        var bus = new OldBus(answer);
        await bus._server.StartAsync();
        return bus;
    }

    public int Count(string messageType) => Received.Count(m => (string)m["message_type"]! == messageType);

    public static string Receipt(params string[] checksums) =>
        $$"""{"message_type":"receipt","receipts":[{{string.Join(',', checksums.Select(c => $$"""{"checksum":"{{c}}","status":"success"}"""))}}],"sender":"V4(127.0.0.1:1)","timestamp":"Tue, 13 Mar 2018 14:05:09 +0000"}""";

    public static string Event(string key, uint value, string type, string data) =>
        $$"""{"consistency":{"key":"{{key}}","value":{{value}}},"correlation_id":1,"data":{{data}},"event_type":"{{type}}","message_type":"event","sender":"V4(127.0.0.1:1)","session_id":13835058055282163712,"timestamp":"Tue, 13 Mar 2018 14:05:09 +0000","timestamp_raw":1520949909}""";

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var frame = await socket.ReceiveAsync(buffer, CancellationToken.None);
                if (frame.MessageType == WebSocketMessageType.Close)
                {
                    Ends.Enqueue("close");
                    return;
                }

                var message = JsonNode.Parse(Encoding.UTF8.GetString(buffer, 0, frame.Count))!;
                Received.Enqueue(message);
                foreach (var answer in _answer(this, message))
                    await socket.SendAsync(Encoding.UTF8.GetBytes(answer), WebSocketMessageType.Text, true, CancellationToken.None);
            }
        }
        catch (WebSocketException)
        {
            Ends.Enqueue("tcp");
        }
    }
}
