using System.Net.WebSockets;
using Sequent.Protocol;

namespace Sequent.Testing.Faults;

/// <summary>The bus's end of a connection, on which receipts may be lost or late and conflicts be provoked; everything else passes as it is.</summary>
internal sealed class FaultySocket(WebSocket inner, ProtocolVersion version, WireFaults faults) : WebSocket
{
    private const int ChunkBytes = 16 * 1024;

    // How every receipt begins.
    private static ReadOnlySpan<byte> ReceiptStart => "{\"message_type\":\"receipt\""u8;

    private bool _isInsideSent;
    private bool _isInsideReceived;

    // A whole message that was read to be looked into, as far as the bus has not taken it yet.
    private (ReadOnlyMemory<byte> Left, WebSocketMessageType Type)? _read;

    public override WebSocketCloseStatus? CloseStatus => inner.CloseStatus;

    public override string? CloseStatusDescription => inner.CloseStatusDescription;

    public override WebSocketState State => inner.State;

    public override string? SubProtocol => inner.SubProtocol;

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        var begins = !_isInsideSent;
        _isInsideSent = !endOfMessage;
        if (begins && buffer.Span.StartsWith(ReceiptStart))
        {
            if (faults.TakeReceiptLoss())
            {
                inner.Abort();
                throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, "The test lost the receipt.");
            }

            await faults.ReceiptDelay.PassAsync(cancellationToken).ConfigureAwait(false);
        }

        await inner.SendAsync(buffer, messageType, endOfMessage, cancellationToken).ConfigureAwait(false);
    }

    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        SendAsync(buffer.AsMemory(), messageType, endOfMessage, cancellationToken).AsTask();

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // A read of no bytes waits for a message and is often begun long before a test asks for a fault: it decides nothing.
        if (_read is null && !buffer.IsEmpty && !_isInsideReceived && faults.HasRejections)
        {
            if (await ReadWholeAsync(cancellationToken).ConfigureAwait(false) is { } closed)
                return closed;
        }

        if (_read is not null)
            return TakeRead(buffer);
        var result = await inner.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        _isInsideReceived = !result.EndOfMessage && (_isInsideReceived || result.Count > 0);
        return result;
    }

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        var result = await ReceiveAsync(buffer.AsMemory(), cancellationToken).ConfigureAwait(false);
        return new WebSocketReceiveResult(result.Count, result.MessageType, result.EndOfMessage, CloseStatus, CloseStatusDescription);
    }

    public override void Abort() => inner.Abort();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        inner.CloseAsync(closeStatus, statusDescription, cancellationToken);

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        inner.CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

    public override void Dispose() => inner.Dispose();

    /// <returns>Null, or the peer's goodbye if that came instead.</returns>
    private async ValueTask<ValueWebSocketReceiveResult?> ReadWholeAsync(CancellationToken cancellationToken)
    {
        var chunk = new byte[ChunkBytes];
        using var message = new MemoryStream();
        while (true)
        {
            var result = await inner.ReceiveAsync(chunk.AsMemory(), cancellationToken).ConfigureAwait(false);
            if (result.MessageType == WebSocketMessageType.Close)
                return result;
            message.Write(chunk, 0, result.Count);
            if (!result.EndOfMessage)
                continue;
            _read = (Conflict.Provoke(message.ToArray(), version, faults), result.MessageType);
            return null;
        }
    }

    private ValueWebSocketReceiveResult TakeRead(Memory<byte> buffer)
    {
        var (left, type) = _read!.Value;
        var count = Math.Min(left.Length, buffer.Length);
        left[..count].CopyTo(buffer);
        _read = count == left.Length ? null : (left[count..], type);
        return new ValueWebSocketReceiveResult(count, type, _read is null);
    }
}
