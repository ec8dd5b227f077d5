using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Sequent.Client.Hosting;

/// <summary>
/// Ids of what a handler appends, as a function of what it handles: a handler that runs again appends under the same ids, so nothing is
/// stored twice. UUIDv8: the position of the causing event first, so that ids grow with the log and the bus's index grows at its end, then a hash of
/// the causing event, client type, handler and index. The log id is left out, because a restore from a backup changes it.
/// </summary>
internal static class DerivedId
{
    /// <summary>The id of the event of an index that a handler appends.</summary>
    public static Guid For(RecordedEvent cause, string clientType, string handler, int index)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AppendCause(hash, cause);
        AppendText(hash, clientType);
        AppendText(hash, handler);
        AppendNumber(hash, index);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);

        // RFC 9562: 48 bits custom_a, 4 bits version 8, 12 bits custom_b, 2 bits variant 10, 62 bits custom_c.
        Span<byte> id = stackalloc byte[16];
        var a = (ulong)(cause.Position >> 12) & 0xFFFF_FFFF_FFFF;
        var b = (ulong)cause.Position & 0xFFF;
        BinaryPrimitives.WriteUInt64BigEndian(id, (a << 16) | 0x8000 | b);
        BinaryPrimitives.WriteUInt64BigEndian(id[8..], (BinaryPrimitives.ReadUInt64BigEndian(digest) & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000);
        return new Guid(id, bigEndian: true);
    }

    /// <summary>The id of a further event of a decision: it stands beside the first one's in the bus's index, because it begins with the same time.</summary>
    public static Guid For(Guid decision, int index)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> id = stackalloc byte[16];
        decision.TryWriteBytes(id, bigEndian: true, out _);
        hash.AppendData(id);
        AppendNumber(hash, index);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        digest[..10].CopyTo(id[6..]);
        id[6] = (byte)((id[6] & 0x0F) | 0x80); // version 8
        id[8] = (byte)((id[8] & 0x3F) | 0x80); // variant 10
        return new Guid(id, bigEndian: true);
    }

    /// <summary>The event's own id; events of the original protocol have none, and are told by key, value and time.</summary>
    private static void AppendCause(IncrementalHash hash, RecordedEvent cause)
    {
        if (cause.EventId is { } eventId)
        {
            hash.AppendData([1]);
            hash.AppendData(eventId.ToByteArray(bigEndian: true));
            return;
        }

        hash.AppendData([2]);
        AppendText(hash, cause.Key);
        AppendNumber(hash, cause.Value);
        AppendNumber(hash, cause.Time.UtcTicks / TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>With its length, so that no two sequences of texts look the same.</summary>
    private static void AppendText(IncrementalHash hash, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        AppendNumber(hash, utf8.Length);
        hash.AppendData(utf8);
    }

    private static void AppendNumber(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
