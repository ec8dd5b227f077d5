using System.Net.WebSockets;
using System.Text;
using Sequent.Protocol;

namespace Sequent.Testing.Tests;

/// <summary>A connection to the bus that mends nothing.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    public static async Task<RawClient> ConnectAsync(Uri address, CancellationToken cancellationToken)
    {
        var client = new RawClient();
        client._socket.Options.AddSubProtocol(WireNames.Subprotocol);
        await client._socket.ConnectAsync(address, cancellationToken);
        await client.ReceiveAsync(cancellationToken);
        return client;
    }

    public async Task PublishAsync(string key, CancellationToken cancellationToken)
    {
        var message = $$$"""{"message_type":"new","events":[{"consistency":{"key":"{{{key}}}"},"correlation_id":0,"event_type":"Deposited","data":{"Amount":1}}]}""";
        await _socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, cancellationToken);
    }

    public async Task<string> ReceiveAsync(CancellationToken cancellationToken)
    {
        var result = await _socket.ReceiveAsync(_buffer.AsMemory(), cancellationToken);
        return Encoding.UTF8.GetString(_buffer, 0, result.Count);
    }

    public void Dispose() => _socket.Dispose();
}
