using System.Text.Json;
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

    private static readonly JsonSerializerOptions IncludingFields = new() { IncludeFields = true };

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

    /// <summary>What was promised once so many operations were done: the log up to a position, and so many saves of delivery state.</summary>
    private readonly record struct Promise(int Operations, long Position, int Saves);

    /// <summary>What was done to the files, what was promised meanwhile, and the delivery state before the first save and after each.</summary>
    private sealed record Recording(List<FileOperation> Operations, List<Promise> Promises, List<string> States);

    [Test]
    public async Task Whatever_was_promised_survives_a_power_failure_after_any_write([Values] Durability durability)
    {
        var recording = await RecordAsync(durability);
        var (operations, promises, _) = recording;
        var image = new DiskImage(operations);
        var (refused, broken) = (0, 0);
        var checkpoints = operations.Count(o => o.Kind == FileOperationKind.Write && o.Path.EndsWith("log.db", StringComparison.Ordinal));

        // Several at a time, because each mostly waits for the disk.
        await Parallel.ForEachAsync(Enumerable.Range(0, operations.Count + 1), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (cut, _) =>
        {
            var promised = promises.LastOrDefault(p => p.Operations <= cut);
            foreach (var arrives in new[] { null, new Random(20_180_313 + cut) })
            {
                var isKept = await IsKeptAsync(image, cut, arrives, recording, promised, durability);
                if (isKept is null)
                    Interlocked.Increment(ref refused);
                else if (isKept == false)
                    Interlocked.Increment(ref broken);
            }
        });

        TestContext.Out.WriteLine($"{durability}: {operations.Count + 1} cuts, each with nothing and with parts of what was not synced; {promises.Count} promises, {recording.States.Count - 1} saves of delivery state, {checkpoints} writes by checkpoints; {refused} times a file that had just been begun was refused, {broken} times a promise was not kept");
        Assert.That(broken, durability == Durability.Full ? Is.Zero : Is.Positive, "without a sync the last ones are lost: so the cuts do cut");
        Assert.That(checkpoints, Is.GreaterThan(10), "checkpoints were among what was cut");
    }

    private async Task<Recording> RecordAsync(Durability durability)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "recorded")).FullName;
        var path = Path.Combine(folder, "log.db");
        using (SqliteConnection.Open(Path.Combine(_folder, "loads-sqlite.db"), readOnly: false))
        {
        }

        using var vfs = new RecordingVfs(folder);
        var (log, deliveries) = StoresOf(path, durability);
        var promises = new List<Promise>();
        var states = new List<string> { await StateAsync(null) };
        List<FileOperation> operations;
        await using (log)
        {
            await log.OpenAsync(default);
            for (var commit = 0L; commit < Commits; commit++)
            {
                Assert.That(await log.AppendAsync([Event((2 * commit) + 1), Event((2 * commit) + 2)], default), Is.EqualTo(AppendOutcome.Committed));
                promises.Add(new Promise(vfs.Count, (2 * commit) + 2, states.Count - 1));
                if (commit % 2 == 1)
                {
                    await deliveries.SaveAsync([ChangesOf(states.Count, 2 * commit)], default);
                    states.Add(await StateAsync(deliveries));
                    promises.Add(promises[^1] with { Operations = vfs.Count, Saves = states.Count - 1 });
                }

                if (commit % CommitsPerCheckpoint == CommitsPerCheckpoint - 1)
                    Checkpoint(path);
            }

            // What closing does is not part of the run: the power fails before.
            operations = vfs.Operations;
        }

        Assert.That(states, Is.Unique, "every save changes something");
        return new Recording(operations, promises, states);
    }

    /// <summary>Everything that a save can hold, over and over: debts, acks ahead, troubles, dead letters, one of them redriven, and its end.</summary>
    private static ClientTypeChanges ChangesOf(int save, long cursor)
    {
        var changes = new ClientTypeChanges("accounts", cursor);
        return (save % 5) switch
        {
            0 => changes with { Interest = [new InterestChange(1, null), new InterestChange(cursor, ["odd"])], Redriven = [] },
            1 => changes with { Debts = [new KeyDebtRecord("k1", 1, [], [new Trouble(1, save, 0)]), new KeyDebtRecord("k2", 2, [], [])] },
            2 => changes with { Debts = [new KeyDebtRecord("k2", 2, [new PositionRange(3, 3), new PositionRange(5, cursor)], [new Trouble(2, 1, save)])], SettledKeys = ["k1"] },
            3 => changes with { SettledKeys = ["k2"], DeadLetters = [Letter(2, save), Letter(cursor, save)] },
            _ => changes with { RemovedDeadLetters = [2], Redriven = [new Trouble(2, 0, save)] },
        };
    }

    private static DeadLetter Letter(long position, int attempts) => new("accounts", position, "poison", attempts, position);

    /// <summary>The whole delivery state, in words.</summary>
    private static async Task<string> StateAsync(SqliteDeliveryStore? deliveries)
    {
        if (deliveries is null || (await deliveries.LoadAsync(default)).SingleOrDefault() is not { } saved)
            return "nothing";
        return JsonSerializer.Serialize((saved, saved.Debts.OrderBy(d => d.Key), await deliveries.ReadDeadLettersAsync("accounts", 0, int.MaxValue, default)), IncludingFields);
    }

    private static void Checkpoint(string path)
    {
        using var db = SqliteConnection.Open(path, readOnly: false);
        db.Execute("PRAGMA wal_checkpoint(RESTART)");
    }

    /// <summary>Starts on what the disk holds: that is sound in any case, and has what was promised or not. Null: nothing was promised yet, and the file is refused.</summary>
    private async Task<bool?> IsKeptAsync(DiskImage image, int cut, Random? luck, Recording recording, Promise promised, Durability durability)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"recovered-{cut}")).FullName;
        image.WriteTo(folder, cut, luck);
        var path = Path.Combine(folder, "log.db");
        var (log, deliveries) = StoresOf(path, durability);
        bool? isKept;
        await using (log)
        {
            try
            {
                var end = await log.OpenAsync(default);
                var saves = recording.States.IndexOf(await StateAsync(deliveries));
                isKept = end.Position >= promised.Position && saves >= promised.Saves;
                Assert.That(end.Position % 2, Is.Zero, "a commit is whole or not there");
                Assert.That(saves, Is.Not.Negative, "a save is whole or not there, and the saves before it are there");
                Assert.That(4 * saves, Is.LessThanOrEqualTo(end.Position), "no save outlives the commits before it");
            }
            catch (StoreException refusal)
            {
                Assert.That((promised.Operations, refusal.Message.Contains('\n')), Is.EqualTo((0, false)), $"cut after {cut} operations: {refusal.Message}");
                isKept = null;
            }
        }

        if (isKept is not null)
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
