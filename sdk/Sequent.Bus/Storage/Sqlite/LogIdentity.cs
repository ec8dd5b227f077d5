namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The id of the log. Whoever remembers a position remembers it with this id. Where a power failure may have taken the last events
/// (<see cref="Durability.Os"/>) their positions are given again, so a log that was not closed before the machine was started anew is another one.
/// </summary>
internal static class LogIdentity
{
    /// <summary>The system's name for the time since it was started. Where there is none, nobody can tell, and the id stays.</summary>
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    private const string LogId = "log_id";

    /// <summary>The boot id, while the log is open with less than full durability; removed by a clean stop.</summary>
    private const string OpenSince = "open_since_boot";

    /// <summary>Stands in a backup, and nowhere else.</summary>
    private const string IsBackup = "is_backup";

    /// <summary>Finds or creates the id, and notes that the log is open.</summary>
    public static string Open(SqliteConnection db, Durability durability)
    {
        var id = Read(db, LogId);
        var bootId = File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : "";
        var openSince = Read(db, OpenSince);
        if (id is null || (openSince is not null && openSince != bootId))
            Write(db, LogId, id = Guid.NewGuid().ToString("D"));
        if (durability == Durability.Os)
            Write(db, OpenSince, bootId);
        else
            Remove(db, OpenSince);
        return id;
    }

    /// <summary>The id, or null if there is none yet.</summary>
    public static string? ReadId(SqliteConnection db) => Read(db, LogId);

    /// <summary>Marks a copy as a backup: no bus appends to it, so that it stays what it is.</summary>
    public static void MarkBackup(SqliteConnection db) => Write(db, IsBackup, "1");

    /// <summary>Makes a copy a log of its own: what its positions will be given to is nothing that the former log has.</summary>
    public static void StartAnew(SqliteConnection db)
    {
        Write(db, LogId, Guid.NewGuid().ToString("D"));
        Remove(db, OpenSince);
        Remove(db, IsBackup);
    }

    /// <summary>A bus that appended to a backup would give positions that the log it is of may have given as well.</summary>
    public static void RefuseBackup(SqliteConnection db)
    {
        if (db.QueryInteger("SELECT count(*) FROM sqlite_master WHERE name = 'meta'") != 0 && Read(db, IsBackup) is not null)
            throw new StoreException("it is a backup. Bring it back with: sequent restore BACKUP --data FILE");
    }

    /// <summary>A clean stop. A fault means no more than that it was none.</summary>
    public static void Close(SqliteConnection db)
    {
        try
        {
            if (Read(db, OpenSince) is null)
                return;
            db.Execute("PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)");
            Remove(db, OpenSince);
        }
        catch (StoreException)
        {
            // It was no clean stop then.
        }
    }

    private static string? Read(SqliteConnection db, string name)
    {
        using var statement = db.Prepare("SELECT value FROM meta WHERE name=?").Bind(name);
        return statement.Step() ? statement.Text(0) : null;
    }

    private static void Write(SqliteConnection db, string name, string value)
    {
        using var statement = db.Prepare("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)").Bind(name).Bind(value);
        statement.Run();
    }

    private static void Remove(SqliteConnection db, string name)
    {
        using var statement = db.Prepare("DELETE FROM meta WHERE name=?").Bind(name);
        statement.Run();
    }
}
