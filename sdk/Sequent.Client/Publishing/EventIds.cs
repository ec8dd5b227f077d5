using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sequent.Client.Publishing;

/// <summary>
/// Makes ids of events: UUIDs of version 7 (RFC 9562, method 3 of section 6.2) whose first 60 bits are the time, to a quarter of a microsecond. A bus keeps an
/// index of them, and what grows in order is cheap to keep.
/// </summary>
internal static class EventIds
{
    private const int TicksPerMillisecond = 10_000;

    /// <summary>How many random bytes are asked of the system at a time: for each id alone it would take longer than all the rest of a publish.</summary>
    private const int RandomBytes = 1_024;

    [ThreadStatic]
    private static byte[]? _random;

    [ThreadStatic]
    private static int _used;

    public static Guid Next(DateTimeOffset now)
    {
        var ticks = now.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        var milliseconds = (ulong)(ticks / TicksPerMillisecond);
        var fraction = (ulong)(ticks % TicksPerMillisecond * 4_096 / TicksPerMillisecond);
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(id, (milliseconds << 16) | 0x7000 | fraction);
        TakeRandom(id[8..]);
        id[8] = (byte)(0x80 | (id[8] & 0x3F));
        return new Guid(id, bigEndian: true);
    }

    private static void TakeRandom(Span<byte> bytes)
    {
        if (_random is null || _used + bytes.Length > RandomBytes)
        {
            _random ??= new byte[RandomBytes];
            RandomNumberGenerator.Fill(_random);
            _used = 0;
        }

        _random.AsSpan(_used, bytes.Length).CopyTo(bytes);
        _used += bytes.Length;
    }
}
