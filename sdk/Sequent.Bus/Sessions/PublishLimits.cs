using System.Text;
using Sequent.Protocol;

namespace Sequent.Bus.Sessions;

/// <summary>The bus's limits on a <c>new</c>. A message that breaks one is ignored whole, with an error that names it.</summary>
internal static class PublishLimits
{
    /// <exception cref="ProtocolException">The message breaks a limit.</exception>
    public static void Check(NewMessage message, BusLimits limits)
    {
        if (message.Events.Count > limits.EventsPerMessage)
            throw new ProtocolException(ErrorCodes.TooManyEvents, $"A message may hold at most {limits.EventsPerMessage} events; this one holds {message.Events.Count}.", "$.events");
        for (var i = 0; i < message.Events.Count; i++)
        {
            if (IsTooLong(message.Events[i].Key, limits.KeyBytes))
                throw TooLong($"$.events[{i}].consistency.key", limits.KeyBytes);
            if (IsTooLong(message.Events[i].EventType, limits.EventTypeBytes))
                throw TooLong($"$.events[{i}].event_type", limits.EventTypeBytes);
        }
    }

    // Three bytes is the most a UTF-16 character takes.
    private static bool IsTooLong(string text, int maxBytes) => text.Length * 3 > maxBytes && Encoding.UTF8.GetByteCount(text) > maxBytes;

    private static ProtocolException TooLong(string path, int maxBytes) =>
        new(ErrorCodes.InvalidMessage, $"{path} may have at most {maxBytes} bytes in UTF-8.", path);
}
