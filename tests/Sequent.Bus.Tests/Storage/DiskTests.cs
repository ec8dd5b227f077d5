using System.Diagnostics;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Storage;

/// <summary>The disk under a running bus: when it is full, and that nobody who reads makes the file grow.</summary>
internal sealed class DiskTests
{
    private const int EventBytes = 8_000;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private static Task<string?> PublishAsync(WireClient client) => PublishAsync(client, "k");

    private static async Task<string?> PublishAsync(WireClient client, string key)
    {
        await client.SendAsync($$"""{"message_type":"new","request_id":"r","events":[{{WireClient.EventText(key, data: $"\"{new string('x', EventBytes)}\"")}}]}""");
        var answer = await client.ReceiveAsync();
        return (string?)(answer["receipts"]?[0]?["status"] ?? answer["code"]);
    }

    [Test]
    public async Task A_query_that_waits_for_credit_does_not_keep_the_write_ahead_log_from_starting_over()
    {
        var file = Path.Combine(_folder, "log.db");
        await using var bus = await BusUnderTest.StartAsync(o => o.DataFile = file);
        await using var client = await bus.ConnectV2Async();
        await using var reader = await bus.ConnectV2Async();
        for (var i = 0; i < 20; i++)
            await PublishAsync(client);
        await reader.SendAsync("""{"message_type":"query","request_id":"q","credit":1,"page_size":2}""");
        await reader.ReceiveAsync("rebuild");
        for (var i = 0; i < 2_000; i++)
            Assert.That(await PublishAsync(client), Is.EqualTo("success"));

        // 50 MB were written; a log that is carried over every 450 pages stays near 4 MB, and commits wait when it is twice that.
        Assert.That(new FileInfo(file + "-wal").Length, Is.LessThan(8_000_000));
        await reader.SendAsync("""{"message_type":"more","request_id":"q","pages":1}""");
        await reader.ReceiveAsync("rebuild");
    }

    [Test]
    public async Task A_full_disk_takes_nothing_and_the_bus_goes_on_by_itself_when_there_is_room()
    {
        if (!TryMount(_folder, "4m"))
            Assert.Ignore("A full disk needs a small file system: run this test as root, so that it can mount one (tmpfs).");
        try
        {
            var file = Path.Combine(_folder, "log.db");
            var ballast = Path.Combine(_folder, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[1_500_000]);
            await using (var bus = await BusUnderTest.StartAsync(o => (o.DataFile, o.FreeSpaceMargin) = (file, 0)))
            {
                await using var client = await bus.ConnectV2Async();
                var stored = 0;
                string? status;
                while ((status = await PublishAsync(client)) == "success")
                    stored++;
                Assert.That(status, Is.EqualTo("store_unavailable"));
                Assert.That(stored, Is.GreaterThan(10));

                File.Delete(ballast);
                Assert.That(await EventuallyPublishAsync(client), Is.True, "it takes events again");
                await client.SendAsync("""{"message_type":"sequence","request_id":"s","keys":["k","again"]}""");
                var values = (await client.ReceiveAsync("sequences"))["values"]!;
                Assert.That(((int?)values["k"], (int?)values["again"]), Is.EqualTo((stored - 1, 0)), "what was refused left no trace");
            }

            Assert.That(new LogFile(file).Verify().Faults, Is.Empty);
        }
        finally
        {
            Unmount(_folder);
        }
    }

    /// <summary>A bus in trouble looks at its store now and then.</summary>
    private static async Task<bool> EventuallyPublishAsync(WireClient client)
    {
        for (var start = Stopwatch.StartNew(); start.Elapsed < TimeSpan.FromSeconds(10);)
        {
            if (await PublishAsync(client, "again") == "success")
                return true;
        }

        return false;
    }

    private static bool TryMount(string folder, string size) => Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder);

    private static void Unmount(string folder) => Assert.That(Run("umount", folder), Is.True, $"{folder} could not be unmounted");

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // There is no such program here.
        }
    }
}
