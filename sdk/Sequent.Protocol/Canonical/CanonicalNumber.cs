using System.Globalization;

namespace Sequent.Protocol;

/// <summary>Prints numbers the way the original bus did.</summary>
internal static class CanonicalNumber
{
    /// <summary>No number prints longer: a sign, "0.00000" and 17 digits are 25.</summary>
    public const int MaxLength = 32;

    /// <summary>Up to so many digits before the point, a number is printed without an exponent.</summary>
    private const int PlainWholeDigits = 21;

    /// <summary>Up to so many zeros after the point, a number is printed without an exponent.</summary>
    private const int PlainZeros = 5;

    /// <summary>Every integer of so many characters, sign included, is in the range of a 64-bit integer.</summary>
    private const int AlwaysExact = 18;

    /// <summary>
    /// True if the JSON number keeps its digits: it has neither fraction nor exponent and lies between the smallest signed
    /// and the largest unsigned 64-bit integer. JSON forbids leading zeros, so such a text is canonical, except "-0".
    /// </summary>
    public static bool IsExactInteger(ReadOnlySpan<byte> number)
    {
        if (number.IndexOfAny(".eE"u8) >= 0)
        {
            return false;
        }

        return number.Length <= AlwaysExact
            || (number[0] == (byte)'-'
                ? long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
                : ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }

    /// <summary>Prints a finite 64-bit float with the fewest digits that read back the same.</summary>
    /// <param name="value">The value.</param>
    /// <param name="output">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>The bytes printed.</returns>
    public static int Format(double value, Span<byte> output)
    {
        var at = 0;
        if (double.IsNegative(value))
        {
            output[at++] = (byte)'-';
            value = -value;
        }

        Span<byte> digits = stackalloc byte[MaxLength];
        var (count, point) = Shortest(value, digits);
        return at + Lay(digits[..count], point, output[at..]);
    }

    /// <summary>
    /// The significant digits of a value that is not negative, without zeros at either end (but "0" for zero), and where the
    /// point stands relative to the first of them: the value is 0.DIGITS times ten to that power.
    /// </summary>
    private static (int Count, int Point) Shortest(double value, Span<byte> digits)
    {
        // The framework prints the right digits, but lays them out as 0.001, 1E-05 or 1E+16.
        Span<byte> text = stackalloc byte[MaxLength];
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        text = text[..length];
        var exponent = 0;
        var e = text.IndexOf((byte)'E');
        if (e >= 0)
        {
            exponent = int.Parse(text[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..e];
        }

        var dot = text.IndexOf((byte)'.');
        var point = dot < 0 ? text.Length : dot;
        var count = 0;
        foreach (var c in text)
        {
            if (c == (byte)'.')
            {
                continue;
            }

            if (count == 0 && c == (byte)'0')
            {
                point--;
                continue;
            }

            digits[count++] = c;
        }

        while (count > 0 && digits[count - 1] == (byte)'0')
        {
            count--;
        }

        if (count == 0)
        {
            digits[0] = (byte)'0';
            return (1, 1);
        }

        return (count, point + exponent);
    }

    private static int Lay(ReadOnlySpan<byte> digits, int point, Span<byte> output)
    {
        if (point > PlainWholeDigits || point < -PlainZeros)
        {
            return LayWithExponent(digits, point - 1, output);
        }

        if (point <= 0)
        {
            "0."u8.CopyTo(output);
            output.Slice(2, -point).Fill((byte)'0');
            digits.CopyTo(output[(2 - point)..]);
            return 2 - point + digits.Length;
        }

        if (digits.Length > point)
        {
            digits[..point].CopyTo(output);
            output[point] = (byte)'.';
            digits[point..].CopyTo(output[(point + 1)..]);
            return digits.Length + 1;
        }

        digits.CopyTo(output);
        output[digits.Length..point].Fill((byte)'0');
        ".0"u8.CopyTo(output[point..]);
        return point + 2;
    }

    private static int LayWithExponent(ReadOnlySpan<byte> digits, int exponent, Span<byte> output)
    {
        var at = 0;
        output[at++] = digits[0];
        if (digits.Length > 1)
        {
            output[at++] = (byte)'.';
            digits[1..].CopyTo(output[at..]);
            at += digits.Length - 1;
        }

        output[at++] = (byte)'e';
        exponent.TryFormat(output[at..], out var length, default, CultureInfo.InvariantCulture);
        return at + length;
    }
}
