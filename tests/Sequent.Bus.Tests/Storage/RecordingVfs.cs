using System.Runtime.InteropServices;

namespace Sequent.Bus.Tests.Storage;

/// <summary>
/// Stands between SQLite and the operating system and notes every write, truncation and sync of the files of one folder, so that a test can tell what a disk would hold
/// if the power failed at any moment. The offsets are those of <c>sqlite3_vfs</c> and <c>sqlite3_io_methods</c> (sqlite.org/c3ref) on a 64-bit machine.
/// </summary>
internal sealed unsafe partial class RecordingVfs : IDisposable
{
    private const int VfsBytes = 168;
    private const int VfsNext = 16;
    private const int VfsName = 24;
    private const int VfsOpen = 40;
    private const int VfsDelete = 48;
    private const int MethodsBytes = 152;
    private const int MethodsClose = 8;
    private const int MethodsWrite = 24;
    private const int MethodsTruncate = 32;
    private const int MethodsSync = 40;

    private static RecordingVfs? _current;

    private readonly byte* _original;
    private readonly byte* _vfs;
    private readonly List<nint> _tables = [];
    private readonly Dictionary<nint, (nint Methods, string Path)> _files = [];
    private readonly List<FileOperation> _operations = [];
    private readonly string _folder;

    public RecordingVfs(string folder)
    {
        _folder = folder;
        _original = Find(null);
        _vfs = (byte*)NativeMemory.AllocZeroed(VfsBytes);
        Buffer.MemoryCopy(_original, _vfs, VfsBytes, VfsBytes);
        *(nint*)(_vfs + VfsNext) = 0;
        *(nint*)(_vfs + VfsName) = Marshal.StringToCoTaskMemUTF8("recording");
        *(delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int, int*, int>*)(_vfs + VfsOpen) = &Open;
        *(delegate* unmanaged[Cdecl]<byte*, byte*, int, int>*)(_vfs + VfsDelete) = &Delete;
        _current = this;
        Assert.That(Register(_vfs, 1), Is.Zero);
    }

    public List<FileOperation> Operations
    {
        get
        {
            lock (_operations)
                return [.. _operations];
        }
    }

    /// <summary>How many operations there were so far.</summary>
    public int Count
    {
        get
        {
            lock (_operations)
                return _operations.Count;
        }
    }

    /// <summary>Everything that was opened must be closed by now.</summary>
    public void Dispose()
    {
        _ = Unregister(_vfs);
        _ = Register(_original, 1);
        Marshal.FreeCoTaskMem(*(nint*)(_vfs + VfsName));
        NativeMemory.Free(_vfs);
        foreach (var table in _tables)
            NativeMemory.Free((void*)table);
        _current = null;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Open(byte* vfs, byte* name, byte* file, int flags, int* outFlags)
    {
        var self = _current!;
        var open = *(delegate* unmanaged[Cdecl]<byte*, byte*, byte*, int, int*, int>*)(self._original + VfsOpen);
        var result = open(self._original, name, file, flags, outFlags);
        var path = name is null ? "" : Marshal.PtrToStringUTF8((nint)name)!;
        if (result == 0 && path.StartsWith(self._folder, StringComparison.Ordinal))
            self.Wrap(file, path);
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Delete(byte* vfs, byte* name, int syncFolder)
    {
        var self = _current!;
        var result = (*(delegate* unmanaged[Cdecl]<byte*, byte*, int, int>*)(self._original + VfsDelete))(self._original, name, syncFolder);
        var path = Marshal.PtrToStringUTF8((nint)name)!;
        if (result != 0 || !path.StartsWith(self._folder, StringComparison.Ordinal))
            return result;
        lock (self._operations)
            self._operations.Add(new FileOperation(syncFolder == 0 ? FileOperationKind.Delete : FileOperationKind.DeleteForGood, 0, []) { Path = path });
        return result;
    }

    private void Wrap(byte* file, string path)
    {
        var original = *(byte**)file;
        var table = (byte*)NativeMemory.Alloc(MethodsBytes);
        Buffer.MemoryCopy(original, table, MethodsBytes, MethodsBytes);
        *(delegate* unmanaged[Cdecl]<byte*, int>*)(table + MethodsClose) = &Close;
        *(delegate* unmanaged[Cdecl]<byte*, byte*, int, long, int>*)(table + MethodsWrite) = &Write;
        *(delegate* unmanaged[Cdecl]<byte*, long, int>*)(table + MethodsTruncate) = &Truncate;
        *(delegate* unmanaged[Cdecl]<byte*, int, int>*)(table + MethodsSync) = &Sync;
        *(byte**)file = table;
        lock (_operations)
        {
            _tables.Add((nint)table);
            _files[(nint)file] = ((nint)original, path);
        }
    }

    private byte* MethodsOf(byte* file)
    {
        lock (_operations)
            return (byte*)_files[(nint)file].Methods;
    }

    private void Note(byte* file, FileOperation operation)
    {
        lock (_operations)
            _operations.Add(operation with { Path = _files[(nint)file].Path });
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Close(byte* file) =>
        (*(delegate* unmanaged[Cdecl]<byte*, int>*)(_current!.MethodsOf(file) + MethodsClose))(file);

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Write(byte* file, byte* data, int count, long offset)
    {
        _current!.Note(file, new FileOperation(FileOperationKind.Write, offset, new ReadOnlySpan<byte>(data, count).ToArray()));
        return (*(delegate* unmanaged[Cdecl]<byte*, byte*, int, long, int>*)(_current.MethodsOf(file) + MethodsWrite))(file, data, count, offset);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Truncate(byte* file, long size)
    {
        _current!.Note(file, new FileOperation(FileOperationKind.Truncate, size, []));
        return (*(delegate* unmanaged[Cdecl]<byte*, long, int>*)(_current.MethodsOf(file) + MethodsTruncate))(file, size);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static int Sync(byte* file, int flags)
    {
        var result = (*(delegate* unmanaged[Cdecl]<byte*, int, int>*)(_current!.MethodsOf(file) + MethodsSync))(file, flags);
        _current.Note(file, new FileOperation(FileOperationKind.Sync, 0, []));
        return result;
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_vfs_find")]
    private static partial byte* Find(byte* name);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_vfs_register")]
    private static partial int Register(byte* vfs, int makeDefault);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_vfs_unregister")]
    private static partial int Unregister(byte* vfs);
}

internal enum FileOperationKind
{
    Write,
    Truncate,
    Sync,

    /// <summary>It may be there again after a power failure.</summary>
    Delete,

    /// <summary>Its folder was synced.</summary>
    DeleteForGood,
}

/// <summary>Something that was done to a file.</summary>
/// <param name="Kind">What.</param>
/// <param name="Offset">Where it was written, or the size it was cut to.</param>
/// <param name="Data">What was written.</param>
internal sealed record FileOperation(FileOperationKind Kind, long Offset, byte[] Data)
{
    public string Path { get; init; } = "";
}
