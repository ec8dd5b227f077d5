using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;

namespace Sequent.Bus.Tests.Storage;

/// <summary>The file: what goes in comes out, after any restart, and a damaged or foreign file is refused.</summary>
internal sealed class SqliteStoreTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string DataFile => Path.Combine(_folder, "log.db");

    private SqliteFile? _lastFile;

    private SqliteEventStore NewStore() =>
        new(_lastFile = new SqliteFile(DataFile, Durability.Full, NullLogger.Instance), new FreeSpace(DataFile, 0, TimeProvider.System), NullLogger.Instance);

    private static StoredEvent Event(long position, string key, uint value, long previous, string type = "t") =>
        Event(position, key, value, previous, position % 2 == 0 ? new Guid((int)position, 0, 0, new byte[8]) : null, type);

    private static StoredEvent Event(long position, string key, uint value, long previous, Guid? id, string type = "t", string traceState = "s") => new()
    {
        Position = position,
        Key = key,
        Value = value,
        Previous = previous,
        EventType = type,
        CorrelationId = uint.MaxValue,
        Data = """{"a":"é\u0000"}"""u8.ToArray(),
        Producer = new Producer(ulong.MaxValue, "V4(127.0.0.1:1)"),
        TimeMicros = position * 1_000,
        EventId = id,
        TraceParent = "00-aa",
        TraceState = traceState,
        ContentType = "text/json",
    };

    [Test]
    public async Task Every_field_comes_back_as_it_went_in([Values("k", "", "a\0b", "schlüssel 😀")] string key)
    {
        await using (var store = NewStore())
        {
            Assert.That(await store.OpenAsync(default), Is.EqualTo(default(LogEnd)));
            Assert.That(await store.AppendAsync([Event(1, key, 0, 0), Event(2, key, 1, 1, type: "")], default), Is.EqualTo(AppendOutcome.Committed));
        }

        await using (var store = NewStore())
        {
            Assert.That(await store.OpenAsync(default), Is.EqualTo(new LogEnd(2, 2_000)));
            var read = (await store.ReadAsync(new LogRange(1, 2, 10), default)).Events.Single();
            var expected = Event(2, key, 1, 1, type: "");
            Assert.That(
                (read.Position, read.Key, read.Value, read.Previous, read.EventType, read.CorrelationId, read.TimeMicros, read.Producer),
                Is.EqualTo((expected.Position, expected.Key, expected.Value, expected.Previous, expected.EventType, expected.CorrelationId, expected.TimeMicros, expected.Producer)));
            Assert.That((read.EventId, read.TraceParent, read.TraceState, read.ContentType), Is.EqualTo((expected.EventId, expected.TraceParent, expected.TraceState, expected.ContentType)));
            Assert.That(read.Data.ToArray(), Is.EqualTo(expected.Data.ToArray()));
            Assert.That(await store.ReadChainAsync(new ChainWalk(2, 0), default), Is.EqualTo(new[] { 1, 2 }));
        }
    }

    [Test]
    public async Task Keys_survive_whether_they_were_flushed_or_have_to_be_replayed()
    {
        const int Events = 260_000;
        await using (var store = NewStore())
        {
            await store.OpenAsync(default);
            for (var position = 1L; position <= Events;)
            {
                var batch = new List<StoredEvent>();
                for (; batch.Count < 2_000; position++)
                    batch.Add(new StoredEvent { Position = position, Key = $"k{position % 5_000}", Value = (uint)((position - 1) / 5_000), Previous = Math.Max(0, position - 5_000), EventType = "t", CorrelationId = 1, Data = "1"u8.ToArray(), Producer = new Producer(1, "s"), TimeMicros = position });
                await store.AppendAsync(batch, default);
            }
        }

        using (var file = SqliteConnection.Open(DataFile, readOnly: true))
        {
            Assert.That(file.QueryInteger("SELECT count(*) FROM keys"), Is.EqualTo(5_000), "a round was written");
            Assert.That(file.QueryInteger("SELECT value + 0 FROM meta WHERE name = 'keys_at'"), Is.InRange(250_000, Events - 1), "and events came after it");
        }

        await using (var store = NewStore())
        {
            await store.OpenAsync(default);
            var keys = new Dictionary<string, KeyEnd>();
            await foreach (var (key, end) in store.ReadKeysAsync(default))
                keys[key] = end;
            Assert.That(keys, Has.Count.EqualTo(5_000));
            Assert.That(keys["k1"], Is.EqualTo(new KeyEnd(51, 255_001)));
            Assert.That(keys["k0"], Is.EqualTo(new KeyEnd(51, 260_000)));
        }
    }

    [Test]
    public async Task Positions_are_found_by_time()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        await store.AppendAsync([.. Enumerable.Range(1, 100).Select(p => Event(p, $"k{p}", 0, 0))], default);
        Assert.That(await store.FindTimeAsync(0, default), Is.Zero);
        Assert.That(await store.FindTimeAsync(999, default), Is.Zero);
        Assert.That(await store.FindTimeAsync(50_000, default), Is.EqualTo(50));
        Assert.That(await store.FindTimeAsync(50_999, default), Is.EqualTo(50));
        Assert.That(await store.FindTimeAsync(long.MaxValue, default), Is.EqualTo(100));
    }

    [TestCase(31, 0)]
    [TestCase(32, 0)]
    [TestCase(33, 0)]
    [TestCase(100, 0)]
    [TestCase(100, 40)]
    public async Task A_commit_of_any_size_is_stored_event_by_event(int events, int positionOfLargeData)
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        StoredEvent[] appended = [.. Enumerable.Range(1, events).Select(p => Varied(p, p == positionOfLargeData ? 100_000 : p))];

        Assert.That(await store.AppendAsync(appended, default), Is.EqualTo(AppendOutcome.Committed));

        Assert.That((await store.ReadAsync(new LogRange(0, events, events), default)).Events.Select(Text), Is.EqualTo(appended.Select(Text)));
    }

    [Test]
    public async Task A_commit_of_many_events_is_stored_whole_or_not_at_all()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        StoredEvent[] appended = [.. Enumerable.Range(1, 100).Select(p => Varied(p, p))];

        Assert.That(await store.AppendAsync([.. appended, Event(50, "again", 0, 0)], default), Is.EqualTo(AppendOutcome.NotCommitted));
        Assert.That(await store.AppendAsync([.. appended[..60], Event(50, "again", 0, 0), .. appended[60..]], default), Is.EqualTo(AppendOutcome.NotCommitted));
        Assert.That(await store.RecoverAsync(default), Is.Zero);
        Assert.That(await store.AppendAsync(appended, default), Is.EqualTo(AppendOutcome.Committed));

        Assert.That((await store.ReadAsync(new LogRange(0, 100, 100), default)).Events.Select(Text), Is.EqualTo(appended.Select(Text)), "types and producers too");
    }

    /// <summary>Everything differs from one to the next, and what may be missing is there in one row of a statement and missing in the same row of the next.</summary>
    private static StoredEvent Varied(int position, int dataLength) => new()
    {
        Position = position,
        Key = $"k{position}",
        Value = (uint)(position * 7),
        Previous = position % 5 == 0 ? 0 : position - 1,
        EventType = position < 50 ? $"type{position % 3}" : $"late{position % 4}",
        CorrelationId = (uint)(position * 31),
        Data = Encoding.UTF8.GetBytes($"\"{new string('x', dataLength)}\""),
        Producer = new Producer((ulong)(position % 4), $"sender{position % 4}"),
        TimeMicros = (position * 1_000) + (position % 7),
        EventId = position % 3 == 0 ? null : Guid.CreateVersion7(),
        TraceParent = position / 32 % 2 == 0 ? $"parent{position}" : null,
        TraceState = position / 32 % 2 == 1 ? $"state{position}" : null,
        ContentType = position / 16 % 2 == 0 ? "text/json" : null,
    };

    private static string Text(StoredEvent e) =>
        $"{e.Position} {e.Key} {e.Value} {e.Previous} {e.EventType} {e.CorrelationId} {e.TimeMicros} {e.Producer} {e.EventId} {e.TraceParent} {e.TraceState} {e.ContentType} {Encoding.UTF8.GetString(e.Data.Span)}";

    [Test]
    public async Task A_new_file_has_large_pages_and_one_of_an_earlier_version_goes_on_with_its_own()
    {
        await using (var store = NewStore())
            await store.OpenAsync(default);
        Assert.That(PageSize(), Is.EqualTo(8_192));

        using (var file = SqliteConnection.Open(DataFile, readOnly: false))
            file.Execute("PRAGMA journal_mode=DELETE; PRAGMA page_size=4096; VACUUM");
        await using (var store = NewStore())
        {
            await store.OpenAsync(default);
            await store.AppendAsync([.. Enumerable.Range(1, 100).Select(p => Varied(p, p))], default);
            Assert.That((await store.ReadAsync(new LogRange(0, 100, 100), default)).Events, Has.Count.EqualTo(100));
        }

        Assert.That(PageSize(), Is.EqualTo(4_096));

        long PageSize()
        {
            using var file = SqliteConnection.Open(DataFile, readOnly: true);
            return file.QueryInteger("PRAGMA page_size");
        }
    }

    [Test]
    public async Task An_append_that_fails_before_its_commit_stores_nothing_and_the_next_one_works()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        await store.AppendAsync([Event(1, "k", 0, 0)], default);
        Assert.That(await store.AppendAsync([Event(2, "k", 1, 1), Event(1, "k", 2, 2)], default), Is.EqualTo(AppendOutcome.NotCommitted), "a position cannot be taken twice");
        Assert.That(await store.RecoverAsync(default), Is.EqualTo(1));
        Assert.That(await store.AppendAsync([Event(2, "k", 1, 1)], default), Is.EqualTo(AppendOutcome.Committed));
    }

    [Test]
    public async Task A_file_of_a_newer_version_is_refused()
    {
        await using (var store = NewStore())
            await store.OpenAsync(default);
        using (var file = SqliteConnection.Open(DataFile, readOnly: false))
            file.Execute("PRAGMA user_version=99");
        await using var again = NewStore();
        Assert.That(async () => await again.OpenAsync(default), Throws.InstanceOf<StoreException>().With.Message.Contains("newer version"));
    }

    [Test]
    public async Task A_database_of_another_program_is_refused()
    {
        using (var file = SqliteConnection.Open(DataFile, readOnly: false))
            file.Execute("CREATE TABLE theirs(x)");
        await using var store = NewStore();
        Assert.That(async () => await store.OpenAsync(default), Throws.InstanceOf<StoreException>().With.Message.Contains("another program"));
    }

    [Test]
    public async Task A_full_database_stores_nothing_and_goes_on_when_there_is_room()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        await store.AppendAsync([Event(1, "k", 0, 0)], default);
        await LimitPagesAsync(1);
        var big = Enumerable.Range(2, 2_000).Select(p => Event(p, $"k{p}", 0, 0)).ToArray();
        Assert.That(await store.AppendAsync(big, default), Is.EqualTo(AppendOutcome.NotCommitted));
        Assert.That(await store.RecoverAsync(default), Is.EqualTo(1), "nothing half-written");
        Assert.That(await store.AppendAsync(big, default), Is.EqualTo(AppendOutcome.Committed), "a new connection has no limit");

        async Task LimitPagesAsync(int pages) =>
            await _lastFile!.WriteAsync(db => db.QueryInteger($"PRAGMA max_page_count={pages}"), default);
    }

    [Test]
    public async Task With_too_little_free_space_nothing_is_taken_until_there_is_more()
    {
        var file = new SqliteFile(DataFile, Durability.Full, NullLogger.Instance);
        await using var store = new SqliteEventStore(file, new FreeSpace(DataFile, long.MaxValue, TimeProvider.System), NullLogger.Instance);
        await store.OpenAsync(default);
        Assert.That(await store.AppendAsync([Event(1, "k", 0, 0)], default), Is.EqualTo(AppendOutcome.NotCommitted));
        Assert.That(await store.FindObstacleAsync(default), Does.Contain("nearly full"));
    }

    [Test]
    public async Task A_torn_wal_recovers_to_the_last_whole_commit([Values(1, 30, 4_000)] int cut)
    {
        var copy = Path.Combine(_folder, "torn.db");
        await using (var store = NewStore())
        {
            await store.OpenAsync(default);
            for (var position = 1; position <= 20; position++)
                await store.AppendAsync([Event(position, $"k{position}", 0, 0)], default);
            File.Copy(DataFile, copy);
            File.Copy(DataFile + "-wal", copy + "-wal");
        }

        using (var wal = File.OpenWrite(copy + "-wal"))
            wal.SetLength(wal.Length - cut);
        await using var torn = new SqliteEventStore(new SqliteFile(copy, Durability.Full, NullLogger.Instance), new FreeSpace(copy, 0, TimeProvider.System), NullLogger.Instance);
        var end = await torn.OpenAsync(default);
        Assert.That(end.Position, Is.EqualTo(19), "the last commit was torn, and only that");
        Assert.That(await torn.AppendAsync([Event(20, "again", 0, 0)], default), Is.EqualTo(AppendOutcome.Committed));
    }

    [Test]
    public async Task A_log_that_may_have_lost_its_end_in_a_power_failure_is_another_log()
    {
        async Task<string> OpenAsync(Durability durability, string? bootId = null)
        {
            if (bootId is not null)
            {
                using var db = SqliteConnection.Open(DataFile, readOnly: false);
                db.Execute($"INSERT OR REPLACE INTO meta(name, value) VALUES('open_since_boot', '{bootId}')");
            }

            await using var store = new SqliteEventStore(new SqliteFile(DataFile, durability, NullLogger.Instance), new FreeSpace(DataFile, 0, TimeProvider.System), NullLogger.Instance);
            await store.OpenAsync(default);
            return store.LogId;
        }

        var first = await OpenAsync(Durability.Os);
        Assert.That(await OpenAsync(Durability.Os), Is.EqualTo(first), "a clean stop");
        var second = await OpenAsync(Durability.Os, bootId: "the machine was started anew without one");
        Assert.That(second, Is.Not.EqualTo(first));
        Assert.That(await OpenAsync(Durability.Full), Is.EqualTo(second));
    }

    [Test]
    public async Task Correlated_events_are_found_whether_they_are_indexed_yet_or_not()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        var position = 0L;
        while (position < 253_000)
            await AppendThousandAsync();
        while (await _lastFile!.WriteAsync(db => db.QueryInteger("SELECT count(*) FROM meta WHERE name='correlated_to'"), default) == 0)
            await AppendThousandAsync();

        var slice = await store.ReadCorrelatedAsync(777, new LogRange(50_000, 252_999, 100), default);
        Assert.That(slice.Events.Select(e => e.Position), Is.EqualTo(new[] { 50_777, 100_777, 150_777, 200_777, 250_777 }));
        var back = await store.ReadCorrelatedAsync(777, new LogRange(0, 253_000, 2, Descending: true), default);
        Assert.That(back.Events.Select(e => e.Position), Is.EqualTo(new[] { 250_777, 200_777 }));
        Assert.That((slice.IsAll, back.IsAll), Is.EqualTo((true, false)));

        ValueTask<AppendOutcome> AppendThousandAsync() => store.AppendAsync(
            [.. Enumerable.Range(0, 1_000).Select(_ => new StoredEvent
            {
                Position = ++position,
                Key = $"k{position}",
                Value = 0,
                Previous = 0,
                EventType = "t",
                CorrelationId = (uint)(position % 50_000),
                Data = "1"u8.ToArray(),
                Producer = new Producer(1, "s"),
                TimeMicros = position,
            })],
            default);
    }

    [Test]
    public async Task An_id_is_found_whatever_order_ids_come_in_and_whoever_opened_the_file()
    {
        Guid[] ids = [.. new uint[] { 0, 5, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 7 }.Select(i => new Guid(i, 0x8001, 0x7fff, 0xff, 0, 0, 0, 0, 0, 0, 1))];
        for (var stored = 0; stored < ids.Length; stored++)
        {
            // Every second one by a store that was just opened and knows of no id yet.
            await using var store = NewStore();
            await store.OpenAsync(default);
            if (stored % 2 == 0)
                Assert.That(await store.FindAsync(ids[stored..], default), Is.Empty);
            await store.AppendAsync([Event(stored + 1, "k", (uint)stored, stored, ids[stored])], default);
            var found = await store.FindAsync([.. ids, Guid.Empty, Guid.AllBitsSet], default);
            Assert.That(found.Keys, Is.EquivalentTo(ids[..(stored + 1)]));
            Assert.That(found[ids[stored]].Position, Is.EqualTo(stored + 1));
        }
    }

    [Test]
    public async Task Long_chains_are_walked_in_pieces()
    {
        await using var store = NewStore();
        await store.OpenAsync(default);
        await store.AppendAsync([.. Enumerable.Range(1, 10).Select(p => Event(p, "k", (uint)p - 1, p - 1))], default);
        Assert.That(await store.ReadChainAsync(new ChainWalk(10, 2, 8, 3), default), Is.EqualTo(new[] { 3, 4, 5 }), "the oldest");
        Assert.That(await store.ReadChainAsync(new ChainWalk(10, 2, 8, 3) { Newest = true }, default), Is.EqualTo(new[] { 6, 7, 8 }), "the newest");
        Assert.That((await store.ReadAtAsync([1, 2, 3], 20, default)).Select(e => e.Position), Is.EqualTo(new[] { 1 }), "as far as the bytes go");
        Assert.That((await store.ReadHeadersAsync(8, 10, default)).Select(h => (h.Position, h.Value)), Is.EqualTo(new[] { (9, 8u), (10, 9u) }));
    }

    [Test]
    public async Task Dead_letters_are_kept()
    {
        var file = new SqliteFile(DataFile, Durability.Full, NullLogger.Instance);
        await using var store = new SqliteEventStore(file, new FreeSpace(DataFile, 0, TimeProvider.System), NullLogger.Instance);
        await store.OpenAsync(default);
        await new SqliteDeliveryStore(file).SaveAsync([new ClientTypeChanges("accounts", 7) { DeadLetters = [new DeadLetter("accounts", 7, "poison", 10, 1)] }], default);
        using var read = SqliteConnection.Open(DataFile, readOnly: true);
        Assert.That(read.QueryInteger("SELECT attempts FROM dead_letters WHERE client_type='accounts' AND position=7"), Is.EqualTo(10));
    }
}
