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
            throw new ProtocolException(ErrorCodes.TooManyEvents, $"A message may hold at most {limits.EventsPerMessage} events; this one holds {message.Events.Count}.", "$.events") { RequestId = message.RequestId };
        for (var i = 0; i < message.Events.Count; i++)
        {
            CheckLength(message.Events[i].Key, limits.KeyBytes, $"$.events[{i}].consistency.key", message.RequestId);
            CheckLength(message.Events[i].EventType, limits.EventTypeBytes, $"$.events[{i}].event_type", message.RequestId);
        }
    }

    private static void CheckLength(string text, int maxBytes, string path, string? requestId)
    {
        // Three bytes is the most a UTF-16 character takes.
        if (text.Length * 3 > maxBytes && Encoding.UTF8.GetByteCount(text) > maxBytes)
            throw new ProtocolException(ErrorCodes.InvalidMessage, $"{path} may have at most {maxBytes} bytes in UTF-8.", path) { RequestId = requestId };
    }
}
