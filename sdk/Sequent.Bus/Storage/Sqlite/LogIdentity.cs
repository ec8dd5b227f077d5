namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// The id of the log. Whoever remembers a position remembers it with this id. Where a power failure may have taken the last events
/// (<see cref="Durability.Os"/>) their positions are given again, so a log that was not closed before the machine was started anew is another one.
/// </summary>
internal static class LogIdentity
{
    /// <summary>The system's name for the time since it was started. Where there is none, nobody can tell, and the id stays.</summary>
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Finds or creates the id, and notes that the log is open.</summary>
    public static string Open(SqliteConnection db, Durability durability)
    {
        var id = Read(db, "log_id");
        var bootId = File.Exists(BootIdFile) ? File.ReadAllText(BootIdFile).Trim() : "";

        // Written whenever the log is open with less than full durability, removed by a clean stop.
        var openSince = Read(db, "open_since_boot");
        if (id is null || (openSince is not null && openSince != bootId))
            Write(db, "log_id", id = Guid.NewGuid().ToString("D"));
        if (durability == Durability.Os)
            Write(db, "open_since_boot", bootId);
        else
            Remove(db, "open_since_boot");
        return id;
    }

    /// <summary>A clean stop. A fault means no more than that it was none.</summary>
    public static void Close(SqliteConnection db)
    {
        try
        {
            if (Read(db, "open_since_boot") is null)
                return;
            db.Execute("PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)");
            Remove(db, "open_since_boot");
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
