using System.Net.WebSockets;
using System.Text;

namespace Sequent.Bus.Tests.Wire;

/// <summary>The bus's end of a connection whose peer says what it was told to, and reads only as many frames as it is let.</summary>
internal sealed class StuckSocket(params string[] messages) : WebSocket
{
    private readonly Queue<byte[]> _inbound = new(messages.Select(Encoding.UTF8.GetBytes));
    private readonly SemaphoreSlim _frames = new(0);
    private int _sent;

    /// <summary>Frames that the peer has read.</summary>
    public int Sent => Volatile.Read(ref _sent);

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => WebSocketState.Open;

    public override string? SubProtocol => null;

    /// <summary>The peer reads so many frames.</summary>
    public void Read(int frames) => _frames.Release(frames);

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        await _frames.WaitAsync(cancellationToken);
        Interlocked.Increment(ref _sent);
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_inbound.Count == 0)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        if (buffer.IsEmpty)
            return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Text, false);
        var message = _inbound.Dequeue();
        message.CopyTo(buffer);
        return new ValueWebSocketReceiveResult(message.Length, WebSocketMessageType.Text, true);
    }

    public override async Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        await SendAsync(buffer.AsMemory(), messageType, endOfMessage, cancellationToken);

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The bus reads into memory.");

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Abort()
    {
    }

    public override void Dispose() => _frames.Dispose();
}
