using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Sequent.Protocol;

namespace Sequent.Cli.Tests;

/// <summary>A receipt of success means: on disk, in this place. And what is owed is delivered, whatever happens to the process.</summary>
internal sealed class KillTests
{
    private const int Publishes = 1_000;
    private const int Keys = 20;
    private const int RoundsPerRipeAck = 5;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

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
        var book = new DeliveryBook();
        var count = 0;
        for (var round = 0; round < rounds; round++)
        {
            // What had no receipt is asked again under its id, then there is more.
            open.AddRange(Enumerable.Range(count, Publishes).Select(NewEvent));
            count += Publishes;
            var (server, address) = await SequentProcess.StartServerAsync(file);
            await using (server)
            {
                await using var consumers = new KilledConsumers(address, book);

                // Acks that are old enough to be safe take time, so not every round waits for some.
                var beforeKill = () => book.BeginKillAsync(waits: round % RoundsPerRipeAck == 0, consumers.Ended, () => PublishOneAsync(address));
                foreach (var receipt in await PublishUntilKilledAsync(server, address, open, Random.Shared.Next(1, Publishes), beforeKill))
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
        await using (var consumers = new KilledConsumers(again, book, finishes: true))
            await SettledAsync(again, consumers);
        var letters = await ReadDeadLettersAsync(again);
        book.Check(stored, letters);
        await using var verify = SequentProcess.Start("verify", "--data", file);
        Assert.That(await verify.ExitAsync(), Is.Zero, "sequent verify finds no fault");
        TestContext.Out.WriteLine($"{rounds} rounds, {receipts.Count} receipts, {stored.Count} events stored of {count} asked for: none lost, no gap, no id twice");
        TestContext.Out.WriteLine($"{book}, {letters.Count} dead letters: nothing owed is lost, first deliveries in order, nothing comes back that was acked 1 s before a kill");
    }

    private static async Task PublishOneAsync(Uri address)
    {
        using var session = await WireSession.ConnectAsync(address);
        await session.SendAsync(new NewMessage([NewEvent(0) with { Key = "last" }]));
        while (await session.ReceiveAsync() is not ReceiptMessage)
        {
        }
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
    private static async Task<List<ReceiptEntry>> PublishUntilKilledAsync(SequentProcess server, Uri address, IReadOnlyList<NewEvent> events, int killAfter, Func<Task>? beforeKill = null)
    {
        var receipts = new List<ReceiptEntry>();
        using var session = await WireSession.ConnectAsync(address);
        var sending = Task.Run(() => SendAllAsync(session, events));
        try
        {
            while (true)
            {
                var wasAlive = receipts.Count < killAfter;
                if (await session.ReceiveAsync() is ReceiptMessage receipt)
                    receipts.AddRange(receipt.Receipts);
                if (!wasAlive || receipts.Count < killAfter)
                    continue;
                if (beforeKill is not null)
                    await beforeKill();
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

    private static async Task SendAllAsync(WireSession session, IReadOnlyList<NewEvent> events)
    {
        foreach (var e in events)
            await session.SendAsync(new NewMessage([e]));
    }

    /// <summary>Waits until the client type owes nothing any more.</summary>
    private static async Task SettledAsync(Uri address, KilledConsumers consumers)
    {
        using var http = new HttpClient();
        var url = new UriBuilder(address) { Scheme = "http", Path = "/admin/client-type", Query = $"name={KilledConsumers.ClientType}" }.Uri;
        using var limit = new CancellationTokenSource(Limit);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await tick.WaitForNextTickAsync(limit.Token))
        {
            Assert.That(consumers.Ended.IsFaulted, Is.False, () => consumers.Ended.Exception!.ToString());
            var view = await http.GetFromJsonAsync<JsonElement>(url, limit.Token);
            if (view.GetProperty("behind").GetInt64() == 0 && view.GetProperty("status").GetProperty("keys_in_debt").GetInt32() == 0)
                return;
        }
    }

    private static async Task<Dictionary<long, int>> ReadDeadLettersAsync(Uri address)
    {
        using var http = new HttpClient();
        var letters = new Dictionary<long, int>();
        while (true)
        {
            var query = $"name={KilledConsumers.ClientType}&after={letters.Keys.DefaultIfEmpty(0).Max()}&max=1000";
            var page = await http.GetFromJsonAsync<JsonElement>(new UriBuilder(address) { Scheme = "http", Path = "/admin/dead-letters", Query = query }.Uri);
            foreach (var letter in page.EnumerateArray())
                letters.Add(letter.GetProperty("position").GetInt64(), letter.GetProperty("attempts").GetInt32());
            if (page.GetArrayLength() == 0)
                return letters;
        }
    }

    private static async Task<List<WireEvent>> ReadAllAsync(Uri address)
    {
        using var session = await WireSession.ConnectAsync(address);
        await session.SendAsync(new QueryMessage { RequestId = "all", Credit = 1_000 });
        var events = new List<WireEvent>();
        while (true)
        {
            if (await session.ReceiveAsync() is not RebuildMessage page)
                continue;
            events.AddRange(page.Events);
            if (page.Last)
                return events;
            await session.SendAsync(new MoreMessage("all", 1));
        }
    }
}
