using System.Runtime.InteropServices;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>Makes durable that a file has its name. .NET cannot open a folder; Windows needs no such thing.</summary>
internal static partial class Folder
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The folder could not be synced.</exception>
    public static void Sync(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = Open(path, ReadOnly);
        if (folder < 0)
            throw new IOException($"{path} cannot be opened (error {Marshal.GetLastPInvokeError()}).");
        var result = Flush(folder);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(folder);
        if (result != 0)
            throw new IOException($"{path} cannot be synced (error {error}).");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
