using System.Buffers;
using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Cli.Tests;

/// <summary>A v2 session over a real socket, message by message.</summary>
internal sealed class WireSession : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ClientWebSocket _socket = new();

    private WireSession() => _socket.Options.AddSubProtocol(WireNames.Subprotocol);

    public static async Task<WireSession> ConnectAsync(Uri address)
    {
        var session = new WireSession();
        await session._socket.ConnectAsync(address, CancellationToken.None);
        return session;
    }

    public async Task SendAsync(ClientMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        ClientMessageWriter.Write(message, text);
        await _socket.SendAsync(text.WrittenMemory, WebSocketMessageType.Text, true, CancellationToken.None);
    }

    /// <summary>The next message, if this client knows it.</summary>
    public async Task<BusMessage?> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using var message = new MemoryStream();
        var chunk = new byte[64 * 1024];
        while (true)
        {
            var result = await _socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
            message.Write(chunk, 0, result.Count);
            if (result.EndOfMessage)
                return BusMessageReader.Read(message.ToArray());
        }
    }

    /// <summary>Resets the connection.</summary>
    public void Abort() => _socket.Abort();

    public void Dispose() => _socket.Dispose();
}
