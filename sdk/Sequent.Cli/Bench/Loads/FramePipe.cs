using System.Buffers;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;

namespace Sequent.Cli.Bench.Loads;

/// <summary>
/// A WebSocket on which every message sent is answered by one message, in order, with so many unanswered at a time. As thin as can be, so that little but the
/// other side is measured.
/// </summary>
internal sealed class FramePipe : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly ClientWebSocket _socket = new();
    private readonly ArrayBufferWriter<byte> _frame = new();
    private readonly byte[] _buffer = new byte[BufferBytes];

    public static async Task<FramePipe> ConnectAsync(Uri address, string? subprotocol, CancellationToken cancellationToken)
    {
        var pipe = new FramePipe();
        if (subprotocol is not null)
            pipe._socket.Options.AddSubProtocol(subprotocol);
        await pipe._socket.ConnectAsync(address, cancellationToken);
        return pipe;
    }

    /// <summary>Sends messages until it is stopped, then waits for what is unanswered.</summary>
    /// <param name="window">How many may be unanswered.</param>
    /// <param name="write">Writes a message.</param>
    /// <param name="mark">What an answer contains if all is well.</param>
    /// <param name="events">How many events a message has.</param>
    /// <param name="meter">Told of every answer.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(int window, Action<IBufferWriter<byte>> write, byte[] mark, int events, Meter meter, CancellationToken stop)
    {
        using var room = new SemaphoreSlim(window);
        var begun = new long[window];
        var sent = 0L;
        var last = new TaskCompletionSource<long>();
        var receiving = Task.Run(ReceiveToEndAsync, CancellationToken.None);
        while (!stop.IsCancellationRequested && !receiving.IsCompleted)
        {
            await room.WaitAsync(CancellationToken.None);
            begun[sent++ % window] = Stopwatch.GetTimestamp();
            _frame.ResetWrittenCount();
            write(_frame);
            await _socket.SendAsync(_frame.WrittenMemory, WebSocketMessageType.Text, true, CancellationToken.None);
        }

        last.SetResult(sent);
        for (var i = 0; i < window && !receiving.IsFaulted; i++)
            await Task.WhenAny(room.WaitAsync(CancellationToken.None), receiving);
        _socket.Abort();
        await receiving;

        async Task ReceiveToEndAsync()
        {
            try
            {
                await ReceiveAsync();
            }
            finally
            {
                room.Release(); // whoever waits for an answer finds that none comes any more
            }
        }

        async Task ReceiveAsync()
        {
            for (var received = 0L; !last.Task.IsCompleted || received < await last.Task; received++)
            {
                int length;
                try
                {
                    length = await ReceiveMessageAsync();
                }
                catch (Exception e) when ((e is WebSocketException or OperationCanceledException) && last.Task.IsCompleted)
                {
                    return; // everything is answered
                }

                if (_buffer.AsSpan(0, length).IndexOf(mark) < 0)
                    throw new InvalidOperationException($"Not what was expected: {Encoding.UTF8.GetString(_buffer, 0, Math.Min(length, 500))}");
                meter.Record(begun[received % window], events);
                room.Release();
            }
        }
    }

    /// <summary>The next message; of a long one, as much as fits.</summary>
    public async ValueTask<int> ReceiveMessageAsync()
    {
        var length = 0;
        while (true)
        {
            var part = await _socket.ReceiveAsync(_buffer.AsMemory(length), CancellationToken.None);
            if (part.MessageType == WebSocketMessageType.Close)
                throw new InvalidOperationException($"The bus closed the connection: {_socket.CloseStatusDescription}");
            length += part.Count;
            if (part.EndOfMessage)
                return length;
            if (length == _buffer.Length)
                length = 0;
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return default;
    }
}
