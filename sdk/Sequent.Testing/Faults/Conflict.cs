using System.Buffers;
using Sequent.Protocol;

namespace Sequent.Testing.Faults;

/// <summary>
/// Changes what a client publishes so that the bus itself finds a conflict: its judgement, answer and order are the real ones, and the client cannot
/// tell it from another writer who was faster.
/// </summary>
internal static class Conflict
{
    /// <summary>No key gets this far in a test.</summary>
    private const uint NeverDue = uint.MaxValue;

    /// <returns>The message as the bus shall get it: as it is, unless it appends to or expects a key that is to be rejected.</returns>
    public static ReadOnlyMemory<byte> Provoke(ReadOnlyMemory<byte> utf8, ProtocolVersion version, WireFaults faults)
    {
        if (Read(utf8, version) is not { } message)
            return utf8;
        var keys = message.Events.Select(e => e.Key).Concat(message.Expect?.Keys ?? []).Distinct(StringComparer.Ordinal).Where(faults.TakeRejection).ToHashSet(StringComparer.Ordinal);
        if (keys.Count == 0)
            return utf8;
        var rewritten = new ArrayBufferWriter<byte>(utf8.Length + 64);
        ClientMessageWriter.Write(Rewrite(message, keys), rewritten);
        return rewritten.WrittenMemory;
    }

    private static NewMessage? Read(ReadOnlyMemory<byte> utf8, ProtocolVersion version)
    {
        try
        {
            return ClientMessageReader.Read(utf8, version) as NewMessage;
        }
        catch (ProtocolException)
        {
            // The bus says so itself.
            return null;
        }
    }

    private static NewMessage Rewrite(NewMessage message, HashSet<string> keys)
    {
        var events = message.Events.ToArray();
        foreach (var key in keys)
        {
            if (Array.FindIndex(events, e => e.Key == key) is >= 0 and var first)
                events[first] = events[first] with { Value = NeverDue };
        }

        return message with { Events = events, Expect = message.Expect?.ToDictionary(e => e.Key, e => keys.Contains(e.Key) ? NeverDue : e.Value, StringComparer.Ordinal) };
    }
}
