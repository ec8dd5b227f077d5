using Microsoft.Extensions.Logging.Abstractions;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.Sqlite;

namespace Sequent.Bus.Tests.Storage;

/// <summary>Backup, restore, and the look through a file, which finds whatever somebody or something garbled.</summary>
internal sealed class LogFileTests
{
    private const int Events = 60;

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static (SqliteEventStore Log, SqliteDeliveryStore Deliveries) StoresOf(string path)
    {
        var file = new SqliteFile(path, Durability.Full, NullLogger.Instance);
        return (new SqliteEventStore(file, new FreeSpace(path, 0, TimeProvider.System), NullLogger.Instance), new SqliteDeliveryStore(file));
    }

    /// <summary>60 events of seven keys, and a client type that owes some of them.</summary>
    private async Task<string> WriteLogAsync()
    {
        var path = PathOf("log.db");
        var (log, deliveries) = StoresOf(path);
        await using var _ = log;
        await log.OpenAsync(default);
        for (var position = 1L; position <= Events; position++)
        {
            var value = (uint)((position - 1) / 7);
            await log.AppendAsync([Event(position, value)], default);
        }

        await deliveries.SaveAsync(
            [
                new ClientTypeChanges("accounts", 50)
                {
                    Interest = [new InterestChange(1, null)],
                    Debts = [new KeyDebtRecord("k3", 11, [new PositionRange(18, 25)], [new Trouble(11, 1, 2)])],
                    DeadLetters = [new DeadLetter("accounts", 5, "poison", 3, 0)],
                },
            ],
            default);
        return path;
    }

    private static StoredEvent Event(long position, uint value) => new()
    {
        Position = position,
        Key = $"k{(position - 1) % 7}",
        Value = value,
        Previous = value == 0 ? 0 : position - 7,
        EventType = position % 2 == 0 ? "even" : "odd",
        CorrelationId = 7,
        Data = """{"a":1}"""u8.ToArray(),
        Producer = new Producer(9, "V4(127.0.0.1:1)"),
        TimeMicros = position,
        EventId = new Guid((int)position, 0, 0, new byte[8]),
    };

    private static void Garble(string path, string sql)
    {
        using var db = SqliteConnection.Open(path, readOnly: false);
        db.Execute(sql);
    }

    [Test]
    public async Task A_sound_log_is_sound_whether_its_keys_are_saved_or_not([Values] bool saved)
    {
        var path = await WriteLogAsync();
        if (saved)
            Garble(path, SaveKeys);
        var report = new LogFile(path).Verify();
        Assert.That(report.Faults, Is.Empty);
        Assert.That((report.Events, report.Keys, report.ClientTypes, report.FaultCount), Is.EqualTo((Events, 7, 1, 0)));
    }

    private const string SaveKeys = """
        INSERT INTO keys(key, value, position) SELECT key, max(value), max(position) FROM events WHERE position <= 57 GROUP BY key;
        INSERT INTO correlations(correlation_id, position) SELECT correlation_id, position FROM events WHERE position <= 57;
        INSERT OR REPLACE INTO meta(name, value) VALUES('keys_at', '57'), ('correlated_to', '57');
        """;

    [TestCase("DELETE FROM events WHERE position IN (20, 21)", "Positions 20 to 21 are missing")]
    [TestCase("UPDATE events SET position = -3 WHERE position = 1", "Position -3 is below 1")]
    [TestCase("UPDATE events SET value = 5 WHERE position = 30", "Position 30: it has value 5, the one before it, position 23, has value 3")]
    [TestCase("UPDATE events SET value = -1 WHERE position = 30", "Position 30: its value -1 is none")]
    [TestCase("UPDATE events SET previous = 0 WHERE position = 30", "Position 30: it has value 4, but names position 0")]
    [TestCase("UPDATE events SET previous = 31 WHERE position = 30", "Position 30: it has value 4, but names position 31")]
    [TestCase("UPDATE events SET previous = 22 WHERE position = 30", "Position 30: the one before it, position 22, has another key")]
    [TestCase("UPDATE events SET key = 'x' WHERE position = 60", "Position 60: the one before it, position 53, has another key")]
    [TestCase("UPDATE events SET previous = 46, value = 7 WHERE position = 60", "Position 60: position 46 is followed by another event already")]
    [TestCase("UPDATE events SET value = 0, previous = 0 WHERE position = 60", "are both the last of their key")]
    [TestCase("UPDATE events SET value = 0, previous = 0 WHERE position = 40", "Position 33 is the last of its key, but the saved one is 54")]
    [TestCase("UPDATE events SET type = 9 WHERE position = 30", "Position 30: its event type 9 has no name")]
    [TestCase("UPDATE events SET correlation_id = 4294967296 WHERE position = 30", "Position 30: its correlation id 4294967296 is none")]
    [TestCase("UPDATE events SET correlation_id = 8 WHERE position = 30", "Position 30: its correlation id is not in the index")]
    [TestCase("INSERT INTO correlations VALUES(99, 4)", "The index of correlation ids holds more than the events have")]
    [TestCase("UPDATE events SET time = 1 WHERE position = 30", "Position 30: its time is before that of the event before it")]
    [TestCase("UPDATE events SET session_id = 1 WHERE position = 30", "Position 30: its session 1 is unknown")]
    [TestCase("UPDATE events SET event_id = x'00' WHERE position = 30", "Position 30: its event id has 1 bytes instead of 16")]
    [TestCase("UPDATE events SET data = '{\"a\":' WHERE position = 30", "Position 30: its data is no JSON")]
    [TestCase("UPDATE keys SET position = 43, value = 6 WHERE key = 'k0'", "Position 57 is the last of its key, but the saved one is 43")]
    [TestCase("UPDATE keys SET value = 3 WHERE key = 'k0'", "The saved end of a key names position 57 with value 3")]
    [TestCase("DELETE FROM keys WHERE key = 'k0'", "Position 57 is the last of its key, but the saved one is 0")]
    [TestCase("INSERT INTO keys VALUES('ghost', 0, 3)", "The saved end of a key names position 3 with value 0")]
    [TestCase("UPDATE meta SET value = '61' WHERE name = 'keys_at'", "The ends of keys were saved up to position 61, but the log ends at 60")]
    [TestCase("DELETE FROM meta WHERE name = 'log_id'", "The log has no id")]
    [TestCase("UPDATE client_types SET cursor = 61", "its cursor 61 is not in the log, which ends at 60")]
    [TestCase("UPDATE interests SET from_position = 62", "it takes event types from position 62")]
    [TestCase("UPDATE interests SET event_types = '[1'", "its event types cannot be read")]
    [TestCase("INSERT INTO interests VALUES('nobody', 1, NULL)", "Client type 'nobody': it has event types, but is not known itself")]
    [TestCase("UPDATE debts SET first_unacked = 12", "it owes position 12 of a key, which is not an event of that key")]
    [TestCase("UPDATE debts SET client_type = 'nobody'", "Client type 'nobody': it owes events, but is not known itself")]
    [TestCase("UPDATE debts SET acked_ahead = '[[25,18]]'", "what it acked ahead of position 11 is in disorder")]
    [TestCase("UPDATE debts SET acked_ahead = 'x'", "what it acked ahead of position 11 is in disorder")]
    [TestCase("UPDATE debts SET failures = '[[12,1,0]]'", "the failures of its key owed from position 11 are in disorder")]
    [TestCase("UPDATE dead_letters SET position = 100", "its dead letter at position 100 is not in the log")]
    [TestCase("UPDATE dead_letters SET client_type = 'nobody'", "Client type 'nobody': it has a dead letter, but is not known itself")]
    public async Task A_garbled_log_is_not_sound(string sql, string fault)
    {
        var path = await WriteLogAsync();
        Garble(path, SaveKeys);
        Garble(path, sql);
        Assert.That(new LogFile(path).Verify().Faults, Has.Some.Contains(fault));
    }

    [Test]
    public async Task Bytes_that_were_overwritten_on_disk_are_found()
    {
        var path = await WriteLogAsync();
        using (var file = new FileStream(path, FileMode.Open))
        {
            file.Seek(file.Length / 3, SeekOrigin.Begin);
            file.Write(new byte[(int)(file.Length / 3)]);
        }

        Assert.That(new LogFile(path).Verify().FaultCount, Is.Positive);
    }

    [Test]
    public async Task Many_faults_are_counted_and_the_first_ones_named()
    {
        var path = await WriteLogAsync();
        Garble(path, "UPDATE events SET type = 9; UPDATE events SET correlation_id = -1; UPDATE events SET data = ''");
        var report = new LogFile(path).Verify();
        Assert.That(report.FaultCount, Is.EqualTo(3 * Events));
        Assert.That(report.Faults, Has.Count.EqualTo(100));
    }

    [Test]
    public void What_is_no_log_cannot_be_looked_at()
    {
        Assert.That(() => new LogFile(PathOf("none.db")).Verify(), Throws.InstanceOf<StoreException>().With.Message.StartsWith("There is no file "));
        File.WriteAllText(PathOf("text.db"), new string('x', 5_000));
        Assert.That(() => new LogFile(PathOf("text.db")).Verify(), Throws.InstanceOf<StoreException>().With.Message.Contains("not a database"));
        Garble(PathOf("other.db"), "CREATE TABLE t(a)");
        Assert.That(() => new LogFile(PathOf("other.db")).Verify(), Throws.InstanceOf<StoreException>().With.Message.Contains("another program"));
    }

    [Test]
    public async Task A_backup_of_a_running_log_becomes_another_log()
    {
        var path = await WriteLogAsync();
        var (log, _) = StoresOf(path);
        await using (log)
        {
            await log.OpenAsync(default);
            new LogFile(path).BackUpTo(PathOf("backup.db"));
            await log.AppendAsync([Event(Events + 1, 8)], default);
        }

        new LogFile(PathOf("backup.db")).RestoreTo(PathOf("restored.db"));
        var (restored, deliveries) = StoresOf(PathOf("restored.db"));
        await using (restored)
        {
            Assert.That((await restored.OpenAsync(default)).Position, Is.EqualTo(Events));
            Assert.That(restored.LogId, Is.Not.EqualTo(log.LogId));
            Assert.That((await deliveries.LoadAsync(default)).Single().Debts.Single().Key, Is.EqualTo("k3"));
        }

        Assert.That(new LogFile(PathOf("backup.db")).Verify().FaultCount, Is.Zero);
        Assert.That(new LogFile(PathOf("restored.db")).Verify().FaultCount, Is.Zero);
        Assert.That(Directory.GetFiles(_folder, "*.partial*"), Is.Empty);
    }

    [Test]
    public async Task A_bus_does_not_run_on_a_backup()
    {
        var path = await WriteLogAsync();
        new LogFile(path).BackUpTo(PathOf("backup.db"));
        var (log, _) = StoresOf(PathOf("backup.db"));
        await using var __ = log;
        Assert.That(async () => await log.OpenAsync(default), Throws.InstanceOf<StoreException>().With.Message.Contains("sequent restore"));
    }

    [Test]
    public async Task Nothing_that_exists_is_overwritten()
    {
        var path = await WriteLogAsync();
        File.WriteAllText(PathOf("precious.db"), "precious");
        Assert.That(() => new LogFile(path).BackUpTo(PathOf("precious.db")), Throws.InstanceOf<StoreException>().With.Message.Contains("exists already"));
        Assert.That(() => new LogFile(path).RestoreTo(PathOf("precious.db")), Throws.InstanceOf<StoreException>().With.Message.Contains("exists already"));
        Assert.That(File.ReadAllText(PathOf("precious.db")), Is.EqualTo("precious"));
    }

    [Test]
    public async Task Whoever_stops_it_finds_nothing_left_behind()
    {
        var path = await WriteLogAsync();
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        Assert.That(() => new LogFile(path).BackUpTo(PathOf("backup.db"), stop.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(_folder).Select(Path.GetFileName), Is.EquivalentTo(new[] { "log.db", "log.db.lock" }));
    }
}
