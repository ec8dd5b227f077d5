using System.Net.WebSockets;
using System.Text;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>The bus's end of a connection without a network: a client's script sends, receives, reads slowly, or breaks it.</summary>
internal sealed class SimulatedSocket(Action<string> received) : WebSocket
{
    private readonly Queue<byte[]?> _inbound = new();
    private readonly StringBuilder _outbound = new();
    private readonly List<TaskCompletionSource> _sends = [];
    private TaskCompletionSource? _arrived;
    private WebSocketState _state = WebSocketState.Open;
    private int _read;

    /// <summary>Its peer does not read: sends wait.</summary>
    public bool IsSlow { get; private set; }

    /// <summary>The bus has not read everything yet.</summary>
    public bool HasUnread => _inbound.Count > 0;

    /// <summary>The bus can still reach its peer.</summary>
    public bool IsOpen => _state is WebSocketState.Open or WebSocketState.CloseReceived;

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => _state;

    public override string? SubProtocol => null;

    /// <summary>The peer sends a message.</summary>
    public void Send(string text) => Arrive(Encoding.UTF8.GetBytes(text));

    /// <summary>The peer says goodbye.</summary>
    public void SayGoodbye() => Arrive(null);

    public void ReadSlowly(bool slowly)
    {
        IsSlow = slowly;
        if (slowly)
            return;
        foreach (var send in _sends.ToArray())
            send.TrySetResult();
        _sends.Clear();
    }

    public override void Abort()
    {
        if (_state == WebSocketState.Aborted)
            return;
        _state = WebSocketState.Aborted;
        _arrived?.TrySetResult();
        ReadSlowly(false);
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_inbound.Count == 0 && _state != WebSocketState.Aborted)
        {
            _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var abort = cancellationToken.Register(Abort);
            await _arrived.Task;
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (_state == WebSocketState.Aborted)
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
        if (_inbound.Peek() is not { } message)
        {
            _inbound.Dequeue();
            _state = _state == WebSocketState.CloseSent ? WebSocketState.Closed : WebSocketState.CloseReceived;
            return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, true);
        }

        var count = Math.Min(buffer.Length, message.Length - _read);
        message.AsMemory(_read, count).CopyTo(buffer);
        _read += count;
        var isEnd = _read == message.Length;
        if (isEnd)
            (_, _read) = (_inbound.Dequeue(), 0);
        return new ValueWebSocketReceiveResult(count, WebSocketMessageType.Text, isEnd);
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        var text = Encoding.UTF8.GetString(buffer.Span);
        while (IsSlow && IsOpen)
        {
            var send = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _sends.Add(send);
            using var abort = cancellationToken.Register(Abort);
            await send.Task;
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (!IsOpen)
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
        _outbound.Append(text);
        if (!endOfMessage)
            return;
        var message = _outbound.ToString();
        _outbound.Clear();
        received(message);
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        _state = _state == WebSocketState.CloseReceived ? WebSocketState.Closed : WebSocketState.CloseSent;

        // The peer answers at once.
        if (_state == WebSocketState.CloseSent)
            Arrive(null);
        return Task.CompletedTask;
    }

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override void Dispose() => Abort();

    private void Arrive(byte[]? message)
    {
        _inbound.Enqueue(message);
        _arrived?.TrySetResult();
    }
}
