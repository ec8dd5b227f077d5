using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>
/// What is called several times for each row, of the library that SQLitePCLRaw has loaded: through its own wrappers, which count references to the statement
/// at each call, binding a row and reading one cost a tenth of all that the bus does. Whoever calls keeps the statement alive.
/// </summary>
internal static partial class SqliteNative
{
    /// <summary>The library that SQLitePCLRaw must use too.</summary>
    public const string Library = "e_sqlite3";

    /// <summary>The library takes a copy.</summary>
    private const nint Transient = -1;

    public static int BindText(nint statement, int index, ReadOnlySpan<byte> utf8) => BindText(statement, index, Addressed(utf8), utf8.Length, Transient);

    public static int BindBlob(nint statement, int index, ReadOnlySpan<byte> bytes) => BindBlob(statement, index, Addressed(bytes), bytes.Length, Transient);

    /// <summary>The bytes of a text or blob, until the statement moves.</summary>
    public static unsafe ReadOnlySpan<byte> ColumnBytes(nint statement, int column)
    {
        var bytes = ColumnBlob(statement, column); // before its length: https://sqlite.org/c3ref/column_blob.html
        return new ReadOnlySpan<byte>((void*)bytes, ColumnLength(statement, column));
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)]), SuppressGCTransition]
    public static partial int BindInteger(nint statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_null"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int BindNull(nint statement, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_type"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)]), SuppressGCTransition]
    public static partial int ColumnType(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)]), SuppressGCTransition]
    public static partial long ColumnInteger(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)]), SuppressGCTransition]
    public static partial int ColumnLength(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_step"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Step(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Reset(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial nint ColumnBlob(nint statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int BindText(nint statement, int index, in byte utf8, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob"), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int BindBlob(nint statement, int index, in byte bytes, int length, nint destructor);

    /// <summary>An empty span may have no address, and nothing without an address is bound as NULL.</summary>
    private static ref readonly byte Addressed(ReadOnlySpan<byte> bytes) => ref MemoryMarshal.GetReference(bytes.IsEmpty ? "\0"u8 : bytes);
}
