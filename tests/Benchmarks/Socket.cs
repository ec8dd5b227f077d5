using System.Buffers;
using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Benchmarks;

/// <summary>A v2 session by hand, as thin as can be, so that little but the bus is measured.</summary>
internal sealed class Socket : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly ClientWebSocket _socket = new();
    private readonly ArrayBufferWriter<byte> _text = new();
    private byte[] _buffer = new byte[BufferBytes];

    public static async Task<Socket> ConnectAsync(Uri address)
    {
        var socket = new Socket();
        socket._socket.Options.AddSubProtocol(WireNames.Subprotocol);
        await socket._socket.ConnectAsync(address, default);
        await socket.ReceiveAsync(); // hello
        return socket;
    }

    public Task SendAsync(ClientMessage message)
    {
        _text.ResetWrittenCount();
        ClientMessageWriter.Write(message, _text);
        return _socket.SendAsync(_text.WrittenMemory, WebSocketMessageType.Text, true, default).AsTask();
    }

    public async Task<BusMessage> ReceiveAsync()
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
                Array.Resize(ref _buffer, 2 * length);
            var part = await _socket.ReceiveAsync(_buffer.AsMemory(length), default);
            if (part.MessageType == WebSocketMessageType.Close)
                throw new WebSocketException(_socket.CloseStatusDescription ?? "closed");
            length += part.Count;
            if (part.EndOfMessage)
                return BusMessageReader.Read(_buffer.AsMemory(0, length).ToArray()) ?? throw new InvalidOperationException("The bus sent something unknown.");
        }
    }

    /// <summary>The next message of this kind; others are skipped.</summary>
    public async Task<T> ReceiveAsync<T>()
        where T : BusMessage
    {
        while (true)
        {
            if (await ReceiveAsync() is T message)
                return message;
        }
    }

    /// <summary>Gives back what a large message took: the memory of the client is not what is measured.</summary>
    public void Shrink() => _buffer = new byte[BufferBytes];

    public void Abort() => _socket.Abort();

    public Task CloseAsync() => _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return default;
    }
}
