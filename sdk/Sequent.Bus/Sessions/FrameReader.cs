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
    private const int FirstBytes = 16 * 1024;

    public async ValueTask<(FrameKind Kind, ReadOnlyMemory<byte> Message)> ReadAsync(CancellationToken cancellationToken)
    {
        // A read of no bytes ends when there is something to read: an idle session holds no buffer while it waits.
        var begun = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
        if (begun.MessageType == WebSocketMessageType.Close)
            return (FrameKind.Closed, default);
        if (begun.EndOfMessage)
            return (FrameKind.Message, default); // an empty message
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        var length = 0;
        try
        {
            while (true)
            {
                // Of a message that is too large only the end is looked for.
                var isTooLarge = length > maxBytes;
                var result = await socket.ReceiveAsync(isTooLarge ? buffer.AsMemory() : buffer.AsMemory(length), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close)
                    return (FrameKind.Closed, default);
                length = isTooLarge ? length : length + result.Count;
                if (result.EndOfMessage)
                    return length <= maxBytes ? (FrameKind.Message, buffer.AsSpan(0, length).ToArray()) : (FrameKind.TooLarge, default);
                if (!isTooLarge && length == buffer.Length)
                    buffer = Grow(buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
