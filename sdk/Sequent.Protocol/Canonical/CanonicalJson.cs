using System.Buffers;

namespace Sequent.Protocol;

/// <summary>
/// Prints JSON in the one form whose bytes are hashed into a checksum, as the original bus did:
/// <list type="bullet">
/// <item>no white space; the members of an object in the order of their names in UTF-8 bytes; of equal names the last one;</item>
/// <item>in strings, only <c>"</c>, <c>\</c> and U+0000 to U+001F are escaped (<c>\b \t \n \f \r</c>, else <c>\u00xx</c>);</item>
/// <item>integers from -2^63 to 2^64 - 1 exactly, with <c>-0</c> as <c>0</c>;</item>
/// <item>all other numbers as 64-bit floats: plain from 1e-6 up to, not including, 1e21, with <c>.0</c> when whole; else
/// with an exponent, as <c>1.5e-7</c> or <c>1e21</c>.</item>
/// </list>
/// </summary>
/// <remarks>
/// Floats are read correctly rounded and printed with the fewest digits. The original was inexact in both, so its text, and with
/// it the checksum, may differ in the last digits of a float: never seen for amounts of money with two decimals, in about 0.1 %
/// of floats with 14 digits, in 29 % of those with 17.
/// </remarks>
public static class CanonicalJson
{
    /// <summary>Prints one JSON value canonically.</summary>
    /// <param name="json">The value in UTF-8, nested at most <see cref="WireNames.MaxDepth"/> deep.</param>
    /// <param name="output">Receives the canonical text in UTF-8, and nothing at all if the value is refused. The text may be
    /// longer than <paramref name="json"/>, up to six times: <c>1e20</c> prints all its zeros.</param>
    /// <exception cref="ProtocolException">The text is not JSON as <see cref="StrictJson"/> accepts it; the code is
    /// <see cref="ErrorCodes.MalformedJson"/>.</exception>
    public static void Write(ReadOnlySpan<byte> json, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var writer = CanonicalWriter.Take();
        output.Write(writer.Run(json));
    }

    /// <summary>Prints one JSON value canonically.</summary>
    /// <param name="json">The value in UTF-8, nested at most <see cref="WireNames.MaxDepth"/> deep.</param>
    /// <returns>The canonical text in UTF-8.</returns>
    /// <exception cref="ProtocolException">The text is not JSON as <see cref="StrictJson"/> accepts it; the code is
    /// <see cref="ErrorCodes.MalformedJson"/>.</exception>
    public static byte[] Format(ReadOnlySpan<byte> json)
    {
        using var writer = CanonicalWriter.Take();
        return writer.Run(json).ToArray();
    }
}
