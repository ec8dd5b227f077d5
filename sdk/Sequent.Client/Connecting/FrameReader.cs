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

    /// <summary>The largest message that is taken. A longer one is no answer to anything this client asked.</summary>
    public int MaxBytes { get; set; } = HelloBytes;

    /// <summary>The next message, or null once the bus has said goodbye.</summary>
    /// <exception cref="WebSocketException">The connection is broken, or the message is too long.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        MemoryStream? parts = null;
        while (true)
        {
            var result = await socket.ReceiveAsync(_chunk.AsMemory(), cancellationToken).ConfigureAwait(false);
            if (result.MessageType == WebSocketMessageType.Close)
                return null;
            if (result.EndOfMessage && parts is null)
            {
                var message = _chunk.AsMemory(0, result.Count);
                return message.Span.StartsWith("{\"message_type\":\"receipt\""u8) ? message : message.ToArray();
            }

            parts ??= new MemoryStream();
            if (parts.Length + result.Count > MaxBytes)
                throw new WebSocketException(WebSocketError.Faulted, $"The bus sent a message of more than {MaxBytes} bytes.");
            parts.Write(_chunk, 0, result.Count);
            if (result.EndOfMessage)
                return parts.ToArray();
        }
    }
}
