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
/// <param name="socket">The socket.</param>
/// <param name="stream">What is below it, if that reads ahead.</param>
/// <param name="maxBytes">The longest message that is taken.</param>
internal sealed class FrameReader(WebSocket socket, SessionStream? stream, int maxBytes)
{
    private const int FirstBytes = 16 * 1024;

    public async ValueTask<(FrameKind Kind, ReadOnlyMemory<byte> Message)> ReadAsync(CancellationToken cancellationToken)
    {
        if (stream?.HasReadAhead != true)
        {
            // A read of no bytes ends when there is something to read: an idle session holds no buffer while it waits.
            var begun = await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
            if (begun.MessageType == WebSocketMessageType.Close)
                return (FrameKind.Closed, default);
            if (begun.EndOfMessage)
                return (FrameKind.Message, default); // an empty message
        }

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
                if (length <= maxBytes && length == buffer.Length)
                    buffer = Grow(buffer, (int)Math.Min(2L * length, maxBytes + 1L));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer, int length)
    {
        var larger = ArrayPool<byte>.Shared.Rent(length);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
