using System.Buffers;
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
    private const int ChunkBytes = 16 * 1024;

    public async ValueTask<(FrameKind Kind, ReadOnlyMemory<byte> Message)> ReadAsync(CancellationToken cancellationToken)
    {
        // A read of no bytes ends when there is something to read: an idle session holds no buffer while it waits.
        var begun = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
        if (begun.MessageType == WebSocketMessageType.Close)
            return (FrameKind.Closed, default);
        if (begun.EndOfMessage)
            return (FrameKind.Message, default); // an empty message
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            return await ReadRestAsync(chunk, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private async ValueTask<(FrameKind Kind, ReadOnlyMemory<byte> Message)> ReadRestAsync(byte[] chunk, CancellationToken cancellationToken)
    {
        MemoryStream? parts = null;
        long length = 0;
        while (true)
        {
            var result = await socket.ReceiveAsync(chunk.AsMemory(), cancellationToken);
            if (result.MessageType == WebSocketMessageType.Close)
                return (FrameKind.Closed, default);
            length += result.Count;
            if (result.EndOfMessage && parts is null && length <= maxBytes)
                return (FrameKind.Message, chunk.AsSpan(0, result.Count).ToArray());
            if (length <= maxBytes)
                (parts ??= new MemoryStream()).Write(chunk, 0, result.Count);
            if (result.EndOfMessage)
                return length <= maxBytes ? (FrameKind.Message, parts!.ToArray()) : (FrameKind.TooLarge, default);
        }
    }
}
