using System.Text;
using SQLitePCL;

namespace Sequent.Bus.Storage.Sqlite;

/// <summary>A prepared statement. Bind in order, step through, reset; parameters are numbered from 1, columns from 0.</summary>
internal sealed class SqliteStatement(SqliteConnection connection, sqlite3_stmt statement) : IDisposable
{
    /// <summary>Texts up to so many bytes are encoded on the stack.</summary>
    private const int StackBytes = 512;

    // The connection has its statements, so that none is collected while it is used. Nothing once it is disposed, which SQLite answers with a misuse.
    private nint _handle = statement.DangerousGetHandle();

    // What a parameter was bound to stays after a reset, and many do not change from one row to the next: binding is half of the work of an insert.
    private readonly (Bound Kind, long Value)[] _bound = new (Bound, long)[raw.sqlite3_bind_parameter_count(statement) + 1];
    private int _next = 1;

    private enum Bound
    {
        Null,
        Integer,
        Other,
    }

    public SqliteStatement Bind(long value)
    {
        if (Changes(Bound.Integer, value))
            Check(SqliteNative.BindInteger(_handle, _next, value));
        _next++;
        return this;
    }

    public SqliteStatement Bind(string? value)
    {
        if (value is null)
            return BindNull();
        if (value.Length * 3 > StackBytes)
            return BindText(Encoding.UTF8.GetBytes(value));
        Span<byte> utf8 = stackalloc byte[StackBytes];
        return BindText(utf8[..Encoding.UTF8.GetBytes(value, utf8)]);
    }

    public SqliteStatement Bind(uint value) => Bind((long)value);

    public SqliteStatement BindText(ReadOnlySpan<byte> utf8)
    {
        // With its length, because a text may hold U+0000.
        Changes(Bound.Other, 0);
        Check(SqliteNative.BindText(_handle, _next, utf8));
        _next++;
        return this;
    }

    public SqliteStatement Bind(Guid? value)
    {
        if (value is not { } id)
            return BindNull();

        // Big-endian, so that ids that grow with time append to the end of their index.
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        Changes(Bound.Other, 0);
        Check(SqliteNative.BindBlob(_handle, _next, bytes));
        _next++;
        return this;
    }

    /// <summary>Moves to the next row, or past the last one.</summary>
    public bool Step()
    {
        var result = SqliteNative.Step(_handle);
        if (result is raw.SQLITE_ROW)
            return true;
        if (result is raw.SQLITE_DONE)
            return false;
        var fault = connection.Fault(result);
        Reset();
        throw fault;
    }

    /// <summary>Makes the statement ready for another use. Also ends its read transaction.</summary>
    public void Reset()
    {
        _ = SqliteNative.Reset(_handle);
        _next = 1;
    }

    /// <summary>Runs a statement that gives no rows.</summary>
    public void Run()
    {
        while (Step())
        {
        }

        Reset();
    }

    public bool IsNull(int column) => SqliteNative.ColumnType(_handle, column) == raw.SQLITE_NULL;

    public long Integer(int column) => SqliteNative.ColumnInteger(_handle, column);

    /// <summary>How many bytes a text or blob has.</summary>
    public int Length(int column) => SqliteNative.ColumnLength(_handle, column);

    public ReadOnlySpan<byte> Bytes(int column) => SqliteNative.ColumnBytes(_handle, column);

    public string Text(int column) => Encoding.UTF8.GetString(SqliteNative.ColumnBytes(_handle, column));

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public Guid? Uuid(int column) => IsNull(column) ? null : new Guid(SqliteNative.ColumnBytes(_handle, column), bigEndian: true);

    public void Dispose()
    {
        connection.Forget(this);
        _handle = 0;
        statement.Dispose();
    }

    private SqliteStatement BindNull()
    {
        if (Changes(Bound.Null, 0))
            Check(SqliteNative.BindNull(_handle, _next));
        _next++;
        return this;
    }

    /// <summary>Notes what the next parameter is bound to. False: it is already.</summary>
    private bool Changes(Bound kind, long value)
    {
        ref var bound = ref _bound[_next];
        if (bound == (kind, value) && kind != Bound.Other)
            return false;
        bound = (kind, value);
        return true;
    }

    private void Check(int result)
    {
        if (result == raw.SQLITE_OK)
            return;
        var fault = connection.Fault(result);
        Reset();
        throw fault;
    }
}
