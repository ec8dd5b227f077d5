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

/// <summary>A WebSocket by hand, frame by frame, for what a proper client cannot do.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _tcp = new();
    private NetworkStream _stream = null!;

    /// <summary>What the bus answered to the request, line by line.</summary>
    public IReadOnlyList<string> AnswerLines { get; private set; } = [];

    /// <summary>Connects, with these headers beside, or instead of, its own.</summary>
    public static async Task<RawClient> ConnectAsync(Uri address, params (string Name, string Value)[] headers)
    {
        var client = new RawClient();
        await client._tcp.ConnectAsync(address.Host, address.Port);
        client._stream = client._tcp.GetStream();
        var all = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Host"] = address.Authority,
            ["Upgrade"] = "websocket",
            ["Connection"] = "Upgrade",
            ["Sec-WebSocket-Version"] = "13",
            ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==",
        };
        foreach (var (name, value) in headers)
            all[name] = value;
        await client._stream.WriteAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{string.Concat(all.Select(h => $"{h.Key}: {h.Value}\r\n"))}\r\n"));
        var (head, next) = (new StringBuilder(), new byte[1]);
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            head.Append((char)(await client.FillAsync(next))[0]);
        client.AnswerLines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return client;
    }

    public Task SendTextAsync(string text) => SendAsync(Opcode.Text, Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(Opcode opcode, byte[] payload, bool isFinal = true)
    {
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)(0x80 | payload.Length)],
            < 65_536 => [0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [0x80 | 127, 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
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

    /// <summary>The frames of the next message.</summary>
    public async Task<IReadOnlyList<Frame>> ReceiveMessageAsync()
    {
        var frames = new List<Frame> { await ReceiveAsync() };
        while (!frames[^1].IsFinal)
            frames.Add(await ReceiveAsync());
        return frames;
    }

    /// <summary>Everything up to the end of TCP, which must be no reset.</summary>
    public async Task<IReadOnlyList<Frame>> ReceiveToEndAsync()
    {
        var frames = new List<Frame>();
        try
        {
            while (true)
                frames.Add(await ReceiveAsync());
        }
        catch (EndOfStreamException)
        {
            return frames;
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
