using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sequent.Bus.Tests.Wire;

/// <summary>The opcodes of RFC 6455.</summary>
internal enum Opcode
{
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// <summary>A frame as it came.</summary>
internal sealed record Frame(Opcode Opcode, bool IsFinal, byte[] Payload)
{
    public string Text => Encoding.UTF8.GetString(Payload);
}

/// <summary>A v1 WebSocket by hand, frame by frame, for what a proper client cannot do.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _tcp = new();
    private NetworkStream _stream = null!;

    public static async Task<RawClient> ConnectAsync(Uri address)
    {
        var client = new RawClient();
        await client._tcp.ConnectAsync(address.Host, address.Port);
        client._stream = client._tcp.GetStream();
        await client._stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"GET / HTTP/1.1\r\nHost: {address.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")));
        for (var (head, next) = ("", new byte[1]); !head.EndsWith("\r\n\r\n", StringComparison.Ordinal); head += (char)next[0])
            await client.FillAsync(next);
        return client;
    }

    public Task SendTextAsync(string text) => SendAsync(Opcode.Text, Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(Opcode opcode, byte[] payload, bool isFinal = true)
    {
        byte[] length = payload.Length < 126 ? [(byte)(0x80 | payload.Length)] : [0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length];
        byte[] head = [(byte)((isFinal ? 0x80 : 0) | (int)opcode), .. length, 0, 0, 0, 0]; // masked with zeros
        await _stream.WriteAsync((byte[])[.. head, .. payload]);
    }

    /// <summary>The next frame that is no ping of the bus.</summary>
    public async Task<Frame> ReceiveAsync()
    {
        while (true)
        {
            var head = await FillAsync(new byte[2]);
            var length = (long)head[1];
            if (length == 126)
                length = (await FillAsync(new byte[2])).Aggregate(0L, (n, b) => (n << 8) | b);
            else if (length == 127)
                length = (await FillAsync(new byte[8])).Aggregate(0L, (n, b) => (n << 8) | b);
            var frame = new Frame((Opcode)(head[0] & 15), (head[0] & 0x80) != 0, await FillAsync(new byte[length]));
            if (frame.Opcode != Opcode.Ping)
                return frame;
        }
    }

    /// <summary>Reads frames up to one whose text holds the mark.</summary>
    public async Task ReadUntilAsync(string mark)
    {
        while (!(await ReceiveAsync()).Text.Contains(mark, StringComparison.Ordinal))
        {
        }
    }

    public void ShutDownSending() => _tcp.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Ends TCP with a reset.</summary>
    public void Reset()
    {
        _tcp.Client.LingerState = new LingerOption(true, 0);
        _tcp.Close();
    }

    /// <summary>Until the bus has ended its side, politely or not.</summary>
    public async Task ReadToEndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var chunk = new byte[4096];
        try
        {
            while (await _stream.ReadAsync(chunk, limit.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset ends it as well.
        }
    }

    public void Dispose() => _tcp.Dispose();

    private async Task<byte[]> FillAsync(byte[] buffer)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await _stream.ReadExactlyAsync(buffer, limit.Token);
        return buffer;
    }
}
