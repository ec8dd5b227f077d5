using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Sequent.Protocol;

/// <summary>
/// Tells JSON the original bus accepts from JSON it ignores. <see cref="Utf8JsonReader"/> alone is too lenient: it lets
/// invalid UTF-8, lone surrogate escapes and numbers beyond the range of a 64-bit float pass.
/// </summary>
public static class StrictJson
{
    /// <summary>A number without an exponent needs at least so many characters to exceed the largest 64-bit float.</summary>
    private const int ShortestOverflow = 309;

    private const int HexDigits = 4;

    /// <summary>The longest reason we take over from the reader, in UTF-16 characters.</summary>
    private const int MaxReason = 160;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>
    /// Accepts exactly one JSON value, surrounded by nothing but white space. Refused are, at any place of the text: invalid
    /// UTF-8, a byte order mark, escapes of lone surrogates, numbers beyond the range of a 64-bit float, trailing commas,
    /// comments, raw control characters, further content, and nesting deeper than <paramref name="maxDepth"/>.
    /// </summary>
    /// <param name="utf8">The text in UTF-8.</param>
    /// <param name="maxDepth">How many arrays and objects may be open at once, at least 1; for a whole message
    /// <see cref="WireNames.MaxDepth"/>.</param>
    /// <exception cref="ProtocolException">The text is refused; the code is <see cref="ErrorCodes.MalformedJson"/> and the
    /// message names the reason and the offset in bytes.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxDepth"/> is less than 1.</exception>
    public static void Validate(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        var reader = Open(utf8, maxDepth);
        try
        {
            while (reader.Read())
            {
                RequireSoundToken(in reader);
            }
        }
        catch (JsonException e)
        {
            throw Fault(utf8, e);
        }
    }

    /// <summary>Checks what concerns the text as a whole, and starts a reader that refuses all it can by itself.</summary>
    internal static Utf8JsonReader Open(ReadOnlySpan<byte> utf8, int maxDepth)
    {
        // The reader would take 0 for its default of 64.
        ArgumentOutOfRangeException.ThrowIfLessThan(maxDepth, 1);
        if (utf8.StartsWith(ByteOrderMark))
        {
            throw Fault(0, "a byte order mark is not allowed.");
        }

        if (!Utf8.IsValid(utf8))
        {
            throw Fault(FirstInvalidByte(utf8), "the bytes are not valid UTF-8.");
        }

        return new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth, CommentHandling = JsonCommentHandling.Disallow });
    }

    /// <summary>Checks what the reader lets pass in the token it stands on.</summary>
    internal static void RequireSoundToken(in Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName or JsonTokenType.String when reader.ValueIsEscaped:
                var at = LoneSurrogate(reader.ValueSpan);
                if (at >= 0)
                {
                    // The token starts at its quote, the value one byte later.
                    throw Fault(reader.TokenStartIndex + 1 + at, "the escape of a surrogate stands alone.");
                }

                break;
            case JsonTokenType.Number when MayOverflow(reader.ValueSpan) && !double.IsFinite(ParseDouble(reader.ValueSpan)):
                throw Fault(reader.TokenStartIndex, "the number exceeds the range of a 64-bit float.");
        }
    }

    /// <summary>
    /// Reads the text of a JSON number, correctly rounded; infinite if it exceeds the range. The JSON reader's own
    /// <see cref="Utf8JsonReader.GetDouble"/> will not do: on .NET 10 it misreads 311793000000000000000.0 in the last place.
    /// </summary>
    internal static double ParseDouble(ReadOnlySpan<byte> number) =>
        double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>Words the refusal of the reader as ours.</summary>
    internal static ProtocolException Fault(ReadOnlySpan<byte> utf8, JsonException e)
    {
        // The reader counts lines by '\n' and appends its position to the message; we say bytes of the whole text instead.
        long offset = e.BytePositionInLine ?? 0;
        for (var line = e.LineNumber ?? 0; line > 0; line--)
        {
            var length = utf8.IndexOf((byte)'\n') + 1;
            offset += length;
            utf8 = utf8[length..];
        }

        var suffix = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var reason = suffix < 0 ? e.Message : e.Message[..suffix];
        if (reason.Length > MaxReason)
        {
            // The reader may quote all the rest of the text. A cut must not part a surrogate pair.
            reason = string.Concat(reason.AsSpan(0, char.IsHighSurrogate(reason[MaxReason - 1]) ? MaxReason - 1 : MaxReason), "...");
        }

        return Fault(offset, reason);
    }

    private static ProtocolException Fault(long offset, string reason) =>
        new(ErrorCodes.MalformedJson, string.Create(CultureInfo.InvariantCulture, $"Malformed JSON at byte {offset}: {reason}"));

    private static bool MayOverflow(ReadOnlySpan<byte> number) =>
        number.Length >= ShortestOverflow || number.IndexOfAny((byte)'e', (byte)'E') >= 0;

    /// <summary>Finds the escape of a surrogate without its partner in a string whose syntax the reader has checked; or -1.</summary>
    private static int LoneSurrogate(ReadOnlySpan<byte> escaped)
    {
        var at = 0;
        while (true)
        {
            var next = escaped[at..].IndexOf((byte)'\\');
            if (next < 0)
            {
                return -1;
            }

            at += next;
            if (!TryUnit(escaped[at..], out var unit))
            {
                at += 2;
                continue;
            }

            const int length = 2 + HexDigits;
            if (!char.IsSurrogate(unit))
            {
                at += length;
            }
            else if (char.IsHighSurrogate(unit) && TryUnit(escaped[(at + length)..], out var low) && char.IsLowSurrogate(low))
            {
                at += 2 * length;
            }
            else
            {
                return at;
            }
        }
    }

    private static bool TryUnit(ReadOnlySpan<byte> text, out char unit)
    {
        unit = default;
        if (!text.StartsWith("\\u"u8))
        {
            return false;
        }

        unit = (char)ushort.Parse(text.Slice(2, HexDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return true;
    }

    private static int FirstInvalidByte(ReadOnlySpan<byte> utf8)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(utf8[at..], out _, out var length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }
}
