using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;

namespace Sequent.Bus.Tests.Storage;

/// <summary>
/// The power fails, which a kill cannot show: what was written but not synced is gone, or there in parts. A recorded run is cut after every single
/// write to its files, and opened again.
/// </summary>
[NonParallelizable]
internal sealed class PowerLossTests
{
    private const int Commits = 40;
    private const int CommitsPerCheckpoint = 12;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private static (SqliteEventStore Log, SqliteDeliveryStore Deliveries) StoresOf(string path, Durability durability)
    {
        var file = new SqliteFile(path, durability, NullLogger.Instance);
        return (new SqliteEventStore(file, new FreeSpace(path, 0, TimeProvider.System), NullLogger.Instance), new SqliteDeliveryStore(file));
    }

    /// <summary>What was promised once so many operations were done.</summary>
    private readonly record struct Promise(int Operations, long Position, long Cursor);

    [Test]
    public async Task Whatever_was_promised_survives_a_power_failure_after_any_write([Values] Durability durability)
    {
        var (operations, promises) = await RecordAsync(durability);
        var image = new DiskImage(operations);
        var luck = new Random(20_180_313);
        var (cuts, broken) = (0, 0);
        var checkpoints = operations.Count(o => o.Kind == FileOperationKind.Write && o.Path.EndsWith("log.db", StringComparison.Ordinal));
        for (var cut = promises[0].Operations; cut <= operations.Count; cut++)
        {
            var promised = promises.Last(p => p.Operations <= cut);
            foreach (var arrives in new[] { null, luck })
                broken += await IsKeptAsync(image, cut, arrives, promised, durability) ? 0 : 1;
            cuts++;
        }

        TestContext.Out.WriteLine($"{durability}: {cuts} cuts, each with nothing and with parts of what was not synced; {promises.Count} promises, {checkpoints} writes by checkpoints; {broken} times a promise was not kept");
        Assert.That(broken, durability == Durability.Full ? Is.Zero : Is.Positive, "without a sync the last ones are lost: so the cuts do cut");
        Assert.That(checkpoints, Is.GreaterThan(10), "checkpoints were among what was cut");
    }

    private async Task<(List<FileOperation> Operations, List<Promise> Promises)> RecordAsync(Durability durability)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "recorded")).FullName;
        var path = Path.Combine(folder, "log.db");
        using (SqliteConnection.Open(Path.Combine(_folder, "loads-sqlite.db"), readOnly: false))
        {
        }

        using var vfs = new RecordingVfs(folder);
        var (log, deliveries) = StoresOf(path, durability);
        var promises = new List<Promise>();
        var operations = new List<FileOperation>();
        await using (log)
        {
            await log.OpenAsync(default);
            for (var commit = 0L; commit < Commits; commit++)
            {
                Assert.That(await log.AppendAsync([Event((2 * commit) + 1), Event((2 * commit) + 2)], default), Is.EqualTo(AppendOutcome.Committed));
                promises.Add(new Promise(vfs.Count, (2 * commit) + 2, promises is [.., var last] ? last.Cursor : 0));
                if (commit % 3 == 2)
                {
                    await deliveries.SaveAsync([new ClientTypeChanges("accounts", 2 * commit) { Interest = [new InterestChange(1, null)] }], default);
                    promises.Add(promises[^1] with { Operations = vfs.Count, Cursor = 2 * commit });
                }

                if (commit % CommitsPerCheckpoint == CommitsPerCheckpoint - 1)
                    Checkpoint(path);
            }

            // What closing does is not part of the run: the power fails before.
            operations = vfs.Operations;
        }

        return (operations, promises);
    }

    private static void Checkpoint(string path)
    {
        using var db = SqliteConnection.Open(path, readOnly: false);
        db.Execute("PRAGMA wal_checkpoint(RESTART)");
    }

    /// <summary>Starts on what the disk holds: that is sound in any case, and has what was promised or not.</summary>
    private async Task<bool> IsKeptAsync(DiskImage image, int cut, Random? luck, Promise promised, Durability durability)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "recovered")).FullName;
        image.WriteTo(folder, cut, luck);
        var path = Path.Combine(folder, "log.db");
        var (log, deliveries) = StoresOf(path, durability);
        bool isKept;
        await using (log)
        {
            var end = await log.OpenAsync(default);
            var cursor = (await deliveries.LoadAsync(default)).SingleOrDefault()?.Cursor ?? 0;
            isKept = end.Position >= promised.Position && cursor >= promised.Cursor;
            Assert.That(end.Position % 2, Is.Zero, "a commit is whole or not there");
            Assert.That(cursor, Is.LessThanOrEqualTo(end.Position));
        }

        Assert.That(new LogFile(path).Verify().Faults, Is.Empty, $"cut after {cut} operations");
        Directory.Delete(folder, recursive: true);
        return isKept;
    }

    private static StoredEvent Event(long position) => new()
    {
        Position = position,
        Key = $"k{position % 5}",
        Value = (uint)((position - 1) / 5),
        Previous = Math.Max(0, position - 5),
        EventType = position % 2 == 0 ? "even" : "odd",
        CorrelationId = 7,
        Data = System.Text.Encoding.UTF8.GetBytes($"\"{new string('x', (int)(position % 7) * 900)}\""),
        Producer = new Producer(9, "V4(127.0.0.1:1)"),
        TimeMicros = position,
        EventId = new Guid((int)position, 0, 0, new byte[8]),
    };
}
