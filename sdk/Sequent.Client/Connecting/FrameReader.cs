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

    /// <summary>What is set aside at once for a message that is not a short one, at most.</summary>
    private const int MaxGuess = 256 * 1024;

    /// <summary>The longest array that is not a large object, which only a full collection would free.</summary>
    private const int MaxSmall = 84_900;

    private readonly byte[] _chunk = new byte[16 * 1024];

    // The last long message; the next one is often about as long, such as the pages of a query.
    private int _lastLong;

    /// <summary>The largest message that is taken. A longer one is no answer to anything this client asked.</summary>
    public int MaxBytes { get; set; } = HelloBytes;

    /// <summary>The next message, or null once the bus has said goodbye.</summary>
    /// <exception cref="WebSocketException">The connection is broken, or the message is too long.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
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
                return Whole(buffer, length);
            if (length == buffer.Length)
                buffer = Grow(buffer);
        }
    }

    private ReadOnlyMemory<byte> Whole(byte[] buffer, int length)
    {
        var message = buffer.AsMemory(0, length);
        if (buffer == _chunk)
            return message.Span.StartsWith("{\"message_type\":\"receipt\""u8) ? message : message.ToArray();
        _lastLong = length;

        // Its events keep all of the buffer.
        return length >= buffer.Length / 4 * 3 ? message : message.ToArray();
    }

    private byte[] Grow(byte[] buffer)
    {
        var guess = Math.Min(_lastLong + (_lastLong / 8), _lastLong <= MaxSmall ? MaxSmall : MaxGuess);
        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, Math.Max(2L * buffer.Length, guess)));
        buffer.CopyTo(larger, 0);
        return larger;
    }
}
