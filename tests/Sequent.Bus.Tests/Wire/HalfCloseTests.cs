using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sequent.Bus.Tests.Wire;

/// <summary>Frames are handled in order, then the end: what a client sent right before it was gone still counts.</summary>
internal sealed class HalfCloseTests
{
    [Test]
    public async Task Acks_right_before_the_end_of_tcp_count([Values(10, 100, 400)] int count)
    {
        await using var bus = await BusUnderTest.StartAsync();
        await using var producer = await bus.ConnectV2Async();
        using var first = await RawV1Client.ConnectAsync(bus.Address);
        await first.SendAsync("""{"message_type":"register","client_type":"accounts","event_types":["*"]}""");
        await first.ReadUntilAsync("registration");
        for (var i = 0; i < count; i++)
            await producer.PublishAsync($"k{i}");
        await first.ReadUntilAsync($"\"key\":\"k{count - 1}\"");
        for (var i = 0; i < count; i++)
            await first.SendAsync($$$"""{"message_type":"ack","consistency":{"key":"k{{{i}}}","value":0}}""");
        first.ShutDownSending();
        await first.ReadToEndAsync();

        await using var second = await bus.ConnectV2Async();
        await second.RegisterAsync("accounts");
        await producer.PublishAsync("last", type: "end");
        Assert.That((string?)(await second.ReceiveDeliveriesAsync(1))[0]["event_type"], Is.EqualTo("end"), "nothing acked comes again");
    }

    /// <summary>A WebSocket by hand, so that TCP can end without a Close frame.</summary>
    private sealed class RawV1Client : IDisposable
    {
        private readonly TcpClient _tcp = new();
        private NetworkStream _stream = null!;

        public static async Task<RawV1Client> ConnectAsync(Uri address)
        {
            var client = new RawV1Client();
            await client._tcp.ConnectAsync(address.Host, address.Port);
            client._stream = client._tcp.GetStream();
            client._stream.ReadTimeout = 10_000;
            await client._stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(
                CultureInfo.InvariantCulture,
                $"GET / HTTP/1.1\r\nHost: {address.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")));
            await client.ReadUntilAsync("\r\n\r\n");
            return client;
        }

        public async Task SendAsync(string text)
        {
            var payload = Encoding.UTF8.GetBytes(text);
            byte[] header = [0x81, 0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length, 0, 0, 0, 0]; // masked with zeros
            await _stream.WriteAsync((byte[])[.. header, .. payload]);
        }

        public async Task ReadUntilAsync(string mark)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            var seen = new StringBuilder();
            var chunk = new byte[4096];
            while (!seen.ToString().Contains(mark, StringComparison.Ordinal))
                seen.Append(Encoding.Latin1.GetString(chunk, 0, await _stream.ReadAsync(chunk, limit.Token)));
        }

        public void ShutDownSending() => _tcp.Client.Shutdown(SocketShutdown.Send);

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
    }
}
