using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;
using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Storage;

/// <summary>Those who read the file, all the time and at once, keep nobody from writing and do not make it grow.</summary>
internal sealed class SqliteReadersTests
{
    private const long MaxJournalBytes = 512 * 1024;

    // As many as the file takes at once.
    private const int Readers = 16;

    /// <summary>However busy the machine is, readers are held back until those that read have had their turn.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private string _folder = "";
    private SqliteFile _file = null!;
    private SqliteEventStore _store = null!;

    private string DataFile => Path.Combine(_folder, "log.db");

    [SetUp]
    public async Task Open()
    {
        _folder = Directory.CreateTempSubdirectory("sequent-").FullName;
        _file = new SqliteFile(DataFile, Durability.Os, NullLogger.Instance, MaxJournalBytes, Patience);
        _store = new SqliteEventStore(_file, new FreeSpace(DataFile, 0, TimeProvider.System), NullLogger.Instance);
        await _store.OpenAsync(default);
    }

    [TearDown]
    public async Task Close()
    {
        await _store.DisposeAsync();
        await _file.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static StoredEvent Event(long position) => new()
    {
        Position = position,
        Key = "k",
        Value = (uint)position - 1,
        Previous = position - 1,
        EventType = "t",
        CorrelationId = 1,
        Data = new byte[8_000].Select(_ => (byte)'1').ToArray(),
        Producer = new Producer(1, "V4(127.0.0.1:1)"),
        TimeMicros = position,
        EventId = new Guid((int)position, 0, 0, new byte[8]),
    };

    private Task<AppendOutcome> AppendAsync(long position) => _store.AppendAsync([Event(position)], default).AsTask();

    [Test]
    public async Task Readers_that_take_turns_without_a_gap_do_not_make_the_journal_grow()
    {
        await AppendAsync(1);
        using var enough = new CancellationTokenSource();
        using var first = new SemaphoreSlim(0);
        using var second = new SemaphoreSlim(1); // so that nobody ends before the other one has begun its next
        Task[] reading = [Task.Run(() => ReadInTurnAsync(first, second, enough.Token)), Task.Run(() => ReadInTurnAsync(second, first, enough.Token))];
        var longest = 0L;
        for (var position = 2L; position <= 560; position++)
        {
            await AppendAsync(position);
            longest = Math.Max(longest, new FileInfo(DataFile + "-wal").Length);
        }

        enough.Cancel();
        await Task.WhenAll(reading);
        Assert.That(longest, Is.GreaterThan(MaxJournalBytes), "it grew beyond the limit");
        Assert.That(new FileInfo(DataFile + "-wal").Length, Is.LessThan(longest), "at the 512th write it was cut");
    }

    [Test]
    public async Task Who_publishes_does_not_wait_for_those_who_read()
    {
        await AppendAsync(1);
        using var finish = new ManualResetEventSlim();
        var begun = 0;
        var reading = Enumerable.Range(0, Readers + 4).Select(_ => Task.Run(async () => await _file.ReadAsync(
            _ =>
            {
                Interlocked.Increment(ref begun);
                finish.Wait();
                return true;
            },
            default))).ToArray();
        try
        {
            await Eventually.HoldsAsync(() => Volatile.Read(ref begun) == Readers, "every reader is busy");
            var found = await _store.FindAsync([new Guid(1, 0, 0, new byte[8])], default).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.That(found, Has.Count.EqualTo(1), "publishing looks ids up");
            Assert.That(await AppendAsync(2).WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(AppendOutcome.Committed));
        }
        finally
        {
            finish.Set();
        }

        await Task.WhenAll(reading);
    }

    /// <summary>Reads, and ends when another one has begun, or is not let.</summary>
    private async Task ReadInTurnAsync(SemaphoreSlim own, SemaphoreSlim other, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await _file.ReadAsync(
                _ =>
                {
                    using var db = SqliteConnection.Open(DataFile, readOnly: true);
                    db.Execute("BEGIN; SELECT count(*) FROM meta;");
                    own.Release();
                    other.Wait(TimeSpan.FromMilliseconds(50), CancellationToken.None);
                    db.Execute("COMMIT");
                    return true;
                },
                default);
        }
    }
}
