using System.Net.WebSockets;

namespace Sequent.Bus.Sessions;

/// <summary>What came in.</summary>
internal enum FrameKind
{
    /// <summary>A whole message.</summary>
    Message,

    /// <summary>A message over the limit; its content was read and dropped.</summary>
    TooLarge,

    /// <summary>The peer said goodbye.</summary>
    Closed,
}

/// <summary>Reads whole messages, text or binary, from however many frames. Every message gets a buffer of its own, because events keep slices of it.</summary>
internal sealed class FrameReader(WebSocket socket, int maxBytes)
{
    private readonly byte[] _chunk = new byte[16 * 1024];

    public async ValueTask<(FrameKind Kind, ReadOnlyMemory<byte> Message)> ReadAsync(CancellationToken cancellationToken)
    {
        MemoryStream? parts = null;
        long length = 0;
        while (true)
        {
            var result = await socket.ReceiveAsync(_chunk.AsMemory(), cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close)
                return (FrameKind.Closed, default);
            length += result.Count;
            if (result.EndOfMessage && parts is null && length <= maxBytes)
                return (FrameKind.Message, _chunk.AsSpan(0, result.Count).ToArray());
            if (length <= maxBytes)
                (parts ??= new MemoryStream()).Write(_chunk, 0, result.Count);
            if (result.EndOfMessage)
                return length <= maxBytes ? (FrameKind.Message, parts!.ToArray()) : (FrameKind.TooLarge, default);
        }
    }
}
