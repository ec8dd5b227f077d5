using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Sequent.Client.Connecting;

/// <summary>
/// Reads whole messages from however many frames. A message gets memory of its own, because events keep slices of it; receipts, of which nothing is kept, are good
/// until the next one is read.
/// </summary>
internal sealed class FrameReader(WebSocket socket)
{
    /// <summary>The first message is <c>hello</c>, which is small.</summary>
    private const int HelloBytes = 64 * 1024;

    private readonly byte[] _chunk = new byte[16 * 1024];

    // Of the pool, for a longer message.
    private byte[]? _long;

    /// <summary>The largest message that is taken. A longer one is no answer to anything this client asked.</summary>
    public int MaxBytes { get; set; } = HelloBytes;

    /// <summary>The next message, or null once the bus has said goodbye.</summary>
    /// <exception cref="WebSocketException">The connection is broken, or the message is too long.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        GiveBack();
        var buffer = _chunk;
        for (var length = 0; ;)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (result.MessageType == WebSocketMessageType.Close)
                return null;
            length += result.Count;
            if (length > MaxBytes)
                throw new WebSocketException(WebSocketError.Faulted, $"The bus sent a message of more than {MaxBytes} bytes.");
            if (result.EndOfMessage)
            {
                var message = buffer.AsMemory(0, length);
                return message.Span.StartsWith("{\"message_type\":\"receipt\""u8) ? message : message.ToArray();
            }

            if (length == buffer.Length)
                buffer = Grow(buffer);
        }
    }

    private byte[] Grow(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, 2L * buffer.Length));
        buffer.CopyTo(larger, 0);
        GiveBack();
        return _long = larger;
    }

    private void GiveBack()
    {
        if (_long is { } former)
            ArrayPool<byte>.Shared.Return(former);
        _long = null;
    }
}
