using Sequent.Bus.Storage.Sqlite;
using Sequent.Bus.Storage.Sqlite.Verifying;

namespace Sequent.Bus;

/// <summary>
/// The file of a log, for who operates the bus: copies it and looks through it, also while a bus runs on it. Either reads one snapshot; what is
/// appended meanwhile collects in the file's write-ahead log until it is done.
/// </summary>
public sealed class LogFile
{
    private readonly string _path;

    /// <summary>Names a file; nothing is opened yet.</summary>
    /// <param name="path">The file of a log, or of a backup.</param>
    public LogFile(string path) => _path = System.IO.Path.GetFullPath(path);

    /// <summary>The file, with its whole path.</summary>
    public string Path => _path;

    /// <summary>Writes a backup: one file, complete and on disk when this returns. A bus refuses to run on a backup.</summary>
    /// <param name="backup">The file to write; it must not exist.</param>
    /// <param name="cancellationToken">Ends it; nothing is left behind.</param>
    /// <exception cref="StoreException">The log cannot be read, or the backup not be written; the message is one line for an operator.</exception>
    public void BackUpTo(string backup, CancellationToken cancellationToken = default) =>
        Copy(backup, LogIdentity.MarkBackup, cancellationToken);

    /// <summary>
    /// Makes a log of a backup. It is another log than the one that was backed up, with an id of its own: positions that were given after the backup will be
    /// given again, to other events, and whoever remembers one is told so.
    /// </summary>
    /// <param name="log">The file to write; it must not exist.</param>
    /// <param name="cancellationToken">Ends it; nothing is left behind.</param>
    /// <exception cref="StoreException">The backup cannot be read, or the log not be written; the message is one line for an operator.</exception>
    public void RestoreTo(string log, CancellationToken cancellationToken = default) =>
        Copy(log, LogIdentity.StartAnew, cancellationToken);

    /// <summary>
    /// Looks through the whole file: its pages and indexes; that positions have no gap and times never run back; that the values of every key are 0, 1, 2, … and each
    /// event names the one before it; ids, types, senders and data; the saved ends of keys and the delivery state. Takes memory for a bit per event.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreException">The file cannot be opened, or is none of a bus.</exception>
    public LogReport Verify(CancellationToken cancellationToken = default) =>
        Read(db => LogVerifier.Verify(db, cancellationToken), cancellationToken);

    private T Read<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
            throw new StoreException($"There is no file {_path}. Name the file of a log with --data.");
        using var db = SqliteConnection.Open(_path, readOnly: true);
        using var interruption = cancellationToken.Register(db.Interrupt);
        cancellationToken.ThrowIfCancellationRequested(); // An interruption is felt only by what runs already.
        try
        {
            Schema.Recognise(db);
            return work(db);
        }
        catch (StoreException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreException($"Cannot use {_path}: {e.Message}", e);
        }
    }

    /// <summary>Writes the copy under another name and gives it its own once it is whole and on disk.</summary>
    private void Copy(string destination, Action<SqliteConnection> mark, CancellationToken cancellationToken)
    {
        var target = System.IO.Path.GetFullPath(destination);
        if (File.Exists(target) || File.Exists(target + "-wal"))
            throw new StoreException($"{target} exists already. Choose another name, or move that file away first.");
        var partial = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Read(db => db.CopyTo(partial), cancellationToken);
            using (var copy = SqliteConnection.Open(partial, readOnly: false))
                mark(copy);
            using (var file = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
                file.Flush(flushToDisk: true); // SQLite does not make a copy durable by itself.
            File.Move(partial, target, overwrite: false);
            Folder.Sync(System.IO.Path.GetDirectoryName(target)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"Cannot write {target}: {e.Message}", e);
        }
        finally
        {
            File.Delete(partial);
        }
    }
}
