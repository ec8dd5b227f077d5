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
            receipts = await PublishUntilKilledAsync(first, address, [.. Enumerable.Range(0, Publishes).Select(NewEvent)], killAfter);
        Assert.That(receipts, Has.Count.GreaterThanOrEqualTo(killAfter));

        var (second, again) = await SequentProcess.StartServerAsync(file);
        await using var _ = second;
        Check(await ReadAllAsync(again), receipts);
    }

    /// <summary>25 rounds; <c>SEQUENT_KILL_ROUNDS</c> or <c>dotnet cake --target=KillLoop</c> for more.</summary>
    [Test]
    public async Task Killed_again_and_again_it_loses_nothing_and_stores_nothing_twice()
    {
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("SEQUENT_KILL_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var more) ? more : 25;
        var file = Path.Combine(_folder, "sequent.db");
        var receipts = new Dictionary<Guid, ReceiptEntry>();
        var open = new List<NewEvent>();
        var count = 0;
        for (var round = 0; round < rounds; round++)
        {
            // What had no receipt is asked again under its id, then there is more.
            open.AddRange(Enumerable.Range(count, Publishes).Select(NewEvent));
            count += Publishes;
            var (server, address) = await SequentProcess.StartServerAsync(file);
            await using (server)
            {
                foreach (var receipt in await PublishUntilKilledAsync(server, address, open, Random.Shared.Next(1, Publishes)))
                {
                    var id = receipt.EventId!.Value;
                    if (!receipts.TryAdd(id, receipt))
                        Assert.That((receipt.Key, receipt.Value, receipt.Position), Is.EqualTo((receipts[id].Key, receipts[id].Value, receipts[id].Position)), "one place for one id");
                }
            }

            open.RemoveAll(e => receipts.ContainsKey(e.EventId!.Value));
        }

        var (last, again) = await SequentProcess.StartServerAsync(file);
        await using var _ = last;
        var stored = await ReadAllAsync(again);
        Check(stored, receipts.Values);
        await using var verify = SequentProcess.Start("verify", "--data", file);
        Assert.That(await verify.ExitAsync(), Is.Zero, "sequent verify finds no fault");
        TestContext.Out.WriteLine($"{rounds} rounds, {receipts.Count} receipts, {stored.Count} events stored of {count} asked for: none lost, no gap, no id twice");
    }

    private static void Check(List<WireEvent> stored, IReadOnlyCollection<ReceiptEntry> receipts)
    {
        Assert.That(stored.Select(e => e.Position), Is.EqualTo(Enumerable.Range(1, stored.Count).Select(p => (long)p)), "positions have no gap");
        foreach (var key in stored.GroupBy(e => e.Key))
            Assert.That(key.Select(e => e.Value), Is.EqualTo(Enumerable.Range(0, key.Count()).Select(v => (uint)v)), "values have no gap");
        Assert.That(stored.Select(e => e.EventId), Is.Unique, "no id is stored twice");
        foreach (var receipt in receipts)
        {
            var e = stored[(int)receipt.Position! - 1];
            Assert.That((e.Key, e.Value, e.EventId), Is.EqualTo((receipt.Key, receipt.Value, receipt.EventId)), "what was receipted is there");
        }
    }

    private static NewEvent NewEvent(int number) =>
        new($"k{number % Keys}", null, 1, "published", Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture))) { EventId = Guid.CreateVersion7() };

    /// <summary>Sends everything without waiting, and pulls the plug once so many receipts came.</summary>
    private static async Task<List<ReceiptEntry>> PublishUntilKilledAsync(SequentProcess server, Uri address, IReadOnlyList<NewEvent> events, int killAfter)
    {
        var receipts = new List<ReceiptEntry>();
        using var socket = await ConnectAsync(address);
        var sending = Task.Run(() => SendAllAsync(socket, events));
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

    private static async Task SendAllAsync(ClientWebSocket socket, IReadOnlyList<NewEvent> events)
    {
        foreach (var e in events)
            await SendAsync(socket, new NewMessage([e]));
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
            await SendAsync(socket, new MoreMessage("all", 1));
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
