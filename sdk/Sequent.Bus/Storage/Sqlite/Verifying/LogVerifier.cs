namespace Sequent.Bus.Storage.Sqlite.Verifying;

/// <summary>Looks through a whole file, in one snapshot of it.</summary>
internal static class LogVerifier
{
    /// <summary>Reads everything once. A part that cannot be read is a fault, and does not keep it from looking at the others.</summary>
    public static LogReport Verify(SqliteConnection db, CancellationToken cancellationToken)
    {
        var findings = new Findings();
        string? logId = null;
        var (head, events, keys, clientTypes) = (0L, 0L, 0L, 0);
        void Try(Action part)
        {
            try
            {
                part();
            }
            catch (StoreException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                findings.Add(e.Message);
            }
        }

        db.Execute("BEGIN");
        Try(() => CheckPages(db, findings));
        Try(() =>
        {
            logId = LogIdentity.ReadId(db);
            if (logId is null)
                findings.Add("The log has no id (meta.log_id).");
        });
        Try(() =>
        {
            var walk = new EventCheck(db, findings);
            walk.Walk();
            (head, events) = (walk.Head, walk.Count);
            var ends = new KeyCheck(db, findings, walk);
            ends.CheckEnds();
            keys = ends.Count;
        });
        Try(() => clientTypes = new DeliveryCheck(db, findings, head).Check());
        db.TryRollback();
        return new LogReport { LogId = logId ?? "", Events = events, Keys = keys, ClientTypes = clientTypes, FaultCount = findings.Count, Faults = findings.Kept };
    }

    /// <summary>SQLite's own look at its pages and at what its indexes hold, unique ids among it.</summary>
    private static void CheckPages(SqliteConnection db, Findings findings)
    {
        using var check = db.Prepare("PRAGMA integrity_check(100)");
        while (check.Step())
        {
            if (check.Text(0) is not "ok" and var fault)
                findings.Add($"SQLite: {fault}");
        }
    }
}
