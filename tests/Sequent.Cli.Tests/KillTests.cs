using System.Buffers;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Sequent.Protocol;

namespace Sequent.Cli.Tests;

/// <summary>A receipt of success means: on disk, in this place.</summary>
internal sealed class KillTests
{
    private const int Publishes = 1_000;
    private const int Keys = 20;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Whatever_had_its_receipt_survives_sigkill_without_a_gap([Values(1, 150, 400, 700)] int killAfter)
    {
        var file = Path.Combine(_folder, "sequent.db");
        var (first, address) = await SequentProcess.StartServerAsync(file);
        List<ReceiptEntry> receipts;
        await using (first)
            receipts = await PublishUntilKilledAsync(first, address, killAfter);
        Assert.That(receipts, Has.Count.GreaterThanOrEqualTo(killAfter));

        var (second, again) = await SequentProcess.StartServerAsync(file);
        await using var _ = second;
        var stored = await ReadAllAsync(again);

        Assert.That(stored.Select(e => e.Position), Is.EqualTo(Enumerable.Range(1, stored.Count).Select(p => (long)p)), "positions have no gap");
        foreach (var key in stored.GroupBy(e => e.Key))
            Assert.That(key.Select(e => e.Value), Is.EqualTo(Enumerable.Range(0, key.Count()).Select(v => (uint)v)), "values have no gap");
        foreach (var receipt in receipts)
        {
            var e = stored[(int)receipt.Position! - 1];
            Assert.That((e.Key, e.Value, e.EventId), Is.EqualTo((receipt.Key, receipt.Value, receipt.EventId)));
        }
    }

    /// <summary>Sends everything without waiting, and pulls the plug once so many receipts came.</summary>
    private static async Task<List<ReceiptEntry>> PublishUntilKilledAsync(SequentProcess server, Uri address, int killAfter)
    {
        var receipts = new List<ReceiptEntry>();
        using var socket = await ConnectAsync(address);
        var sending = SendAllAsync(socket);
        try
        {
            while (true)
            {
                var wasAlive = receipts.Count < killAfter;
                if (await ReceiveAsync(socket) is ReceiptMessage receipt)
                    receipts.AddRange(receipt.Receipts);
                if (wasAlive && receipts.Count >= killAfter)
                    await server.KillAsync();
            }
        }
        catch (WebSocketException)
        {
            // The plug was pulled; every receipt that had arrived was read.
        }

        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return receipts;
    }

    private static async Task SendAllAsync(ClientWebSocket socket)
    {
        for (var i = 0; i < Publishes; i++)
        {
            var text = Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture));
            await SendAsync(socket, new NewMessage([new NewEvent($"k{i % Keys}", null, 1, "published", text) { EventId = Guid.CreateVersion7() }]));
        }
    }

    private static async Task<List<WireEvent>> ReadAllAsync(Uri address)
    {
        using var socket = await ConnectAsync(address);
        await SendAsync(socket, new QueryMessage { RequestId = "all", Credit = 1_000 });
        var events = new List<WireEvent>();
        while (true)
        {
            if (await ReceiveAsync(socket) is not RebuildMessage page)
                continue;
            events.AddRange(page.Events);
            if (page.Last)
                return events;
        }
    }

    private static async Task<ClientWebSocket> ConnectAsync(Uri address)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(WireNames.Subprotocol);
        await socket.ConnectAsync(address, CancellationToken.None);
        return socket;
    }

    private static async Task SendAsync(ClientWebSocket socket, ClientMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        ClientMessageWriter.Write(message, text);
        await socket.SendAsync(text.WrittenMemory, WebSocketMessageType.Text, true, CancellationToken.None);
    }

    private static async Task<BusMessage?> ReceiveAsync(ClientWebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var message = new MemoryStream();
        var chunk = new byte[64 * 1024];
        while (true)
        {
            var result = await socket.ReceiveAsync(chunk.AsMemory(), limit.Token);
            message.Write(chunk, 0, result.Count);
            if (result.EndOfMessage)
                return BusMessageReader.Read(message.ToArray());
        }
    }
}
