using System.Text.Json.Nodes;
using Sequent.Bus.Storage.Sqlite;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Both protocols: what a bus brings back that did not stop cleanly, and one whose log was restored from a backup.</summary>
internal sealed class CrashTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string FileOf(string name) => Path.Combine(_folder, name);

    private Task<BusUnderTest> StartAsync(string name) => BusUnderTest.StartAsync(o => o.DataFile = FileOf(name));

    /// <summary>The files as they are at this moment: what a bus finds that comes after a kill.</summary>
    private Task<BusUnderTest> StartAfterCrashAsync(string name)
    {
        foreach (var suffix in new[] { "", "-wal" })
            File.Copy(FileOf(name) + suffix, FileOf("crashed") + suffix);
        return StartAsync("crashed");
    }

    private static IEnumerable<(int Data, bool Redelivered)> Seen(IEnumerable<JsonObject> deliveries) => deliveries.Select(e => ((int)e["data"]!, (bool)e["redelivered"]!));

    [Test]
    public async Task After_a_crash_everything_up_to_the_head_may_have_been_had_and_is_marked()
    {
        await using var bus = await StartAsync("log");
        await using var producer = await bus.ConnectV2Async();
        await using (var instance = await bus.ConnectV2Async())
        {
            await instance.RegisterAsync("accounts");
            await producer.PublishAsync("k", data: "1");
            await instance.ReceiveDeliveriesAsync(1);
            await instance.SendAsync("""{"message_type":"unregister"}""");
            await instance.ReceiveAsync("revoked");
            await instance.ReceiveAsync("unregistered");
        }

        await producer.PublishAsync("k", data: "2"); // nobody had this one, but who is to know
        await using var crashed = await StartAfterCrashAsync("log");
        await using var again = await crashed.ConnectV2Async();
        await using var another = await crashed.ConnectV2Async();
        Assert.That((bool)(await again.RegisterAsync("accounts"))["known"]!, Is.True);
        await another.PublishAsync("k", data: "3");
        Assert.That(Seen(await again.ReceiveDeliveriesAsync(3)), Is.EqualTo(new[] { (1, true), (2, true), (3, false) }));
    }

    [Test]
    public async Task After_a_crash_a_v1_client_type_gets_what_was_unacked_just_as_it_was()
    {
        await using var bus = await StartAsync("log");
        await using var producer = await bus.ConnectV1Async();
        await using var first = await bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        var held = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            await producer.PublishAsync("k", data: $"{i}");
            held.Add(await first.ReceiveTextAsync());
        }

        await using var crashed = await StartAfterCrashAsync("log");
        await using var second = await crashed.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        foreach (var text in held)
            Assert.That(await second.ReceiveTextAsync(), Is.EqualTo(text));
        await second.ReceiveAsync("registration");
        Assert.That((string?)(await second.PublishAsync("k", 5))["status"], Is.EqualTo("success"), "the key goes on");
    }

    [Test]
    public async Task After_a_crash_what_a_v1_client_type_was_known_to_owe_comes_before_the_answer_too()
    {
        await using var bus = await StartAsync("log");
        await using var producer = await bus.ConnectV1Async();
        await using var first = await bus.ConnectV1Async();
        await first.RegisterAsync("accounts");
        for (var i = 0; i < 5; i++)
        {
            await producer.PublishAsync($"k{i}");
            await first.ReceiveTextAsync();
        }

        await Eventually.HoldsAsync(() => CountSavedDebts() == 5, "what it owes is saved");
        await using var crashed = await StartAfterCrashAsync("log");
        await using var second = await crashed.ConnectV1Async();
        await second.SendAsync("""{"client_type":"accounts","event_types":["*"],"message_type":"register"}""");
        for (var i = 0; i < 5; i++)
            Assert.That(await second.ReceiveTextAsync(), Does.Contain("\"message_type\":\"event\""));
        await second.ReceiveAsync("registration");

        long CountSavedDebts()
        {
            using var file = SqliteConnection.Open(FileOf("log"), readOnly: true);
            return file.QueryInteger("SELECT count(*) FROM debts");
        }
    }

    [Test]
    public async Task A_log_that_was_restored_is_another_log_in_which_client_types_go_on()
    {
        string? former;
        await using (var bus = await StartAsync("log"))
        {
            await using var client = await bus.ConnectV2Async();
            former = (string?)client.Hello["log_id"];
            await client.RegisterAsync("accounts");
            await client.PublishAsync("k", data: "1");
            new LogFile(FileOf("log")).BackUpTo(FileOf("backup"));
        }

        new LogFile(FileOf("backup")).RestoreTo(FileOf("restored"));
        await using var restored = await StartAsync("restored");
        await using var again = await restored.ConnectV2Async();
        Assert.That((string?)again.Hello["log_id"], Is.Not.EqualTo(former));
        Assert.That((long)again.Hello["position"]!, Is.EqualTo(1));
        var start = $",\"start\":{{\"position\":1,\"log_id\":\"{former}\"}}";
        Assert.That((bool)(await again.RegisterAsync("accounts", more: start))["known"]!, Is.True, "where a known type should have started does not matter");
        Assert.That(Seen(await again.ReceiveDeliveriesAsync(1)), Is.EqualTo(new[] { (1, true) }));
        await again.SendAsync($$"""{"message_type":"query","request_id":"q","after":1,"log_id":"{{former}}"}""");
        Assert.That((string?)(await again.ReceiveAsync("error"))["code"], Is.EqualTo("log_changed"));
    }
}
