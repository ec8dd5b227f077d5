using System.Buffers.Binary;

namespace Sequent.Bus.Tests.Storage;

/// <summary>The journal beside a log: SQLite's write-ahead log.</summary>
internal static class Journal
{
    /// <summary>Where its header has the number that grows whenever it starts over (https://sqlite.org/fileformat2.html#the_write_ahead_log).</summary>
    private const int NumberAt = 12;

    /// <summary>A number that grows whenever the journal starts over; the largest if it was cut to nothing.</summary>
    public static long Number(string dataFile)
    {
        using var file = new FileStream(dataFile + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> header = stackalloc byte[NumberAt + sizeof(uint)];
        return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length ? BinaryPrimitives.ReadUInt32BigEndian(header[NumberAt..]) : long.MaxValue;
    }
}
