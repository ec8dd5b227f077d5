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

    private SqliteEventStore NewStore() => new(new SqliteFile(DataFile, NullLogger.Instance), NullLogger.Instance);

    private static StoredEvent Event(long position, string key, uint value, long previous, string type = "t") => new()
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
        EventId = position % 2 == 0 ? new Guid((int)position, 0, 0, new byte[8]) : null,
        TraceParent = "00-aa",
        TraceState = "s",
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
                keys.Add(key, end);
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
    public async Task Dead_letters_are_kept()
    {
        var file = new SqliteFile(DataFile, NullLogger.Instance);
        await using var store = new SqliteEventStore(file, NullLogger.Instance);
        await store.OpenAsync(default);
        await new SqliteDeliveryStore(file).SaveAsync([new ClientTypeChanges("accounts", 7) { DeadLetters = [new DeadLetter("accounts", 7, "poison", 10, 1)] }], default);
        using var read = SqliteConnection.Open(DataFile, readOnly: true);
        Assert.That(read.QueryInteger("SELECT attempts FROM dead_letters WHERE client_type='accounts' AND position=7"), Is.EqualTo(10));
    }
}
