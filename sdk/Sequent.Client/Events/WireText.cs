using System.Text;

namespace Sequent.Client.Events;

/// <summary>Text that goes to the bus as it is, or not at all.</summary>
internal static class WireText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Refuses half a surrogate pair: it would silently become another text on the wire, and so another key.</summary>
    /// <exception cref="ArgumentException">The text is not valid UTF-16.</exception>
    public static string Require(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        _ = Strict.GetByteCount(text);
        return text;
    }
}
