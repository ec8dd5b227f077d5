using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;

namespace Sequent.Bus.Tests.Storage;

/// <summary>The journal beside the file: it stays short, whoever reads, and however slow the disk is.</summary>
internal sealed class JournalTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string DataFile => Path.Combine(_folder, "log.db");

    [Test]
    public async Task The_journal_is_carried_over_beside_the_commits_and_does_not_grow_for_ever()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        var text = new string('x', 100_000);
        StoredEvent[] Commit(int commit) => [.. Enumerable.Range(1, 20).Select(i => Event((commit * 20) + i, text))];
        for (var commit = 0; commit < 100; commit++)
            Assert.That(await store.AppendAsync(Commit(commit), default), Is.EqualTo(AppendOutcome.Committed));

        Assert.That(new FileInfo(DataFile).Length, Is.GreaterThan(50_000_000), "carried over while the bus runs");
        Assert.That(new FileInfo(DataFile + "-wal").Length, Is.LessThan(40_000_000), "of 200 MB");
        Assert.That((await store.ReadAtAsync([1, 2_000], int.MaxValue, default)).Select(e => e.TraceState!.Length), Is.EqualTo(new[] { 100_000, 100_000 }));
    }

    [Test]
    public async Task A_reader_that_keeps_the_journal_from_starting_over_does_so_only_while_it_reads()
    {
        await using var store = NewStore(checkpointPages: 10);
        await store.OpenAsync(default);
        var last = 0;
        var text = new string('x', 20_000);
        async Task AppendAsync(int commits)
        {
            for (var commit = 0; commit < commits; commit++, last++)
                Assert.That(await store.AppendAsync([Event(last + 1, text)], default), Is.EqualTo(AppendOutcome.Committed));
        }

        await AppendAsync(10);
        using (var reader = SqliteConnection.Open(DataFile, readOnly: true))
        {
            reader.Execute("BEGIN");
            Assert.That(reader.QueryInteger("SELECT count(*) FROM events"), Is.EqualTo(10));
            await AppendAsync(100);
            Assert.That(reader.QueryInteger("SELECT count(*) FROM events"), Is.EqualTo(10), "its snapshot stands");
            Assert.That(new FileInfo(DataFile + "-wal").Length, Is.GreaterThan(2_000_000), "all of it waits");
        }

        var longest = new FileInfo(DataFile + "-wal").Length;
        await AppendAsync(300);
        Assert.That(new FileInfo(DataFile + "-wal").Length, Is.LessThan(longest + 2_000_000), "it was started over, and not 6 MB longer");
        Assert.That((await store.ReadAtAsync([1, last], int.MaxValue, default)).Select(e => e.TraceState!.Length), Is.EqualTo(new[] { 20_000, 20_000 }));
    }

    [Test]
    public async Task A_commit_waits_for_a_disk_that_is_slow_to_take_what_is_carried_over()
    {
        const int Pages = 10;
        using var gate = new SemaphoreSlim(1);
        await using var checkpointer = new Checkpointer(DataFile, gate, Pages, NullLogger.Instance, maxHoldBack: TimeSpan.FromMinutes(1));
        using var writer = SqliteConnection.Open(DataFile, readOnly: false);
        writer.Execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x)");
        var disk = new TaskCompletionSource();
        var pass = checkpointer.AloneAsync(async () => await disk.Task).AsTask();

        await gate.WaitAsync(); // as whoever commits does
        var commits = 0;
        var last = Task.CompletedTask;
        for (; last.IsCompleted && commits < 100; commits++)
            last = CommitAsync();
        var isHeldBack = !last.IsCompleted;
        disk.SetResult();
        await last;
        await pass;
        var length = new FileInfo(DataFile + "-wal").Length;
        _ = CommitAsync();
        var lengthAfterwards = new FileInfo(DataFile + "-wal").Length;
        gate.Release();

        Assert.That(isHeldBack, Is.True);
        Assert.That(commits, Is.InRange(2, 2 * Pages), "a page or more each");
        Assert.That(lengthAfterwards, Is.EqualTo(length), "it was started over");

        Task CommitAsync()
        {
            writer.Execute("INSERT INTO t VALUES(zeroblob(8000))");
            return checkpointer.CommittedAsync(writer).AsTask();
        }
    }

    private SqliteEventStore NewStore(int checkpointPages = Checkpointer.DefaultPages) => new(
        new SqliteFile(DataFile, Durability.Full, NullLogger.Instance, checkpointPages: checkpointPages),
        new FreeSpace(DataFile, 0, TimeProvider.System),
        NullLogger.Instance);

    private static StoredEvent Event(long position, string text) => new()
    {
        Position = position,
        Key = "k",
        Value = (uint)(position - 1),
        Previous = position - 1,
        EventType = "t",
        CorrelationId = 1,
        Data = "1"u8.ToArray(),
        Producer = new Producer(1, "s"),
        TimeMicros = position,
        TraceState = text,
    };
}
