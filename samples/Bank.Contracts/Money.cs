using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Bank.Contracts;

/// <summary>
/// An amount in whole cents, written with exactly two decimals ("12.50"). Never a floating point number; sums that do not fit throw.
/// </summary>
[JsonConverter(typeof(MoneyJsonConverter))]
public readonly partial record struct Money(long Cents) : IComparable<Money>
{
    /// <summary>The least and the most one may pay in, pay out or transfer at once.</summary>
    public static readonly Money Least = new(1);
    public static readonly Money Most = new(1_000_000_000_00);

    public static readonly Money Zero;

    /// <summary>True for what may be paid: an event published by a stranger may say anything, even a negative amount.</summary>
    public bool IsPayable => this >= Least && this <= Most;

    /// <summary>Reads an amount somebody wants to pay: one to ten digits, a point, two digits, from 0.01 to 1000000000.00.</summary>
    public static bool TryParsePayable([NotNullWhen(true)] string? text, out Money amount)
    {
        amount = default;
        return text is not null && Payable().IsMatch(text) && TryParse(text, out amount) && amount.IsPayable;
    }

    /// <summary>Reads any amount this type can write, so also sums and what is below zero.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Money amount)
    {
        amount = default;
        // With the point in its place and no other one, the digits are the cents.
        if (text is null || text.Length > 24 || !Written().IsMatch(text)
            || !long.TryParse(text.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var cents))
            return false;
        amount = new(cents);
        return true;
    }

    public override string ToString()
    {
        var digits = UInt128.CreateTruncating(Int128.Abs(Cents)).ToString("000", CultureInfo.InvariantCulture);
        return $"{(Cents < 0 ? "-" : "")}{digits[..^2]}.{digits[^2..]}";
    }

    public int CompareTo(Money other) => Cents.CompareTo(other.Cents);

    public static Money operator +(Money left, Money right) => new(checked(left.Cents + right.Cents));

    public static Money operator -(Money left, Money right) => new(checked(left.Cents - right.Cents));

    public static Money operator -(Money amount) => new(checked(-amount.Cents));

    public static bool operator <(Money left, Money right) => left.Cents < right.Cents;

    public static bool operator >(Money left, Money right) => left.Cents > right.Cents;

    public static bool operator <=(Money left, Money right) => left.Cents <= right.Cents;

    public static bool operator >=(Money left, Money right) => left.Cents >= right.Cents;

    // [0-9], because \d takes the digits of every script; \z, because $ also stands before a last line feed.
    [GeneratedRegex(@"^[0-9]{1,10}\.[0-9]{2}\z")]
    private static partial Regex Payable();

    [GeneratedRegex(@"^-?[0-9]+\.[0-9]{2}\z")]
    private static partial Regex Written();
}

/// <summary>Money is a JSON string: a JSON number would pass through floating point in half of the world's parsers.</summary>
public sealed class MoneyJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && Money.TryParse(reader.GetString(), out var amount)
            ? amount
            : throw new JsonException("An amount is a string with two decimals, such as \"12.50\".");

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
