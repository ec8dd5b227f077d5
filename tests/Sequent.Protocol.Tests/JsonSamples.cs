using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;

namespace Sequent.Protocol.Tests;

/// <summary>A JSON value with its spelling: leaves and names are JSON text, so that one value can be spelled in many ways.</summary>
public abstract record JsonSample
{
    public sealed record Leaf(string Text) : JsonSample;

    public sealed record Sequence(JsonSample[] Items) : JsonSample;

    public sealed record Members((string Name, JsonSample Value)[] Items) : JsonSample;

    public byte[] Bytes => Encoding.UTF8.GetBytes(ToString());

    public sealed override string ToString() => this switch
    {
        Leaf leaf => leaf.Text,
        Sequence list => $"[{string.Join(" ,\t", list.Items.AsEnumerable())}]",
        Members members => $"{{{string.Join(",", members.Items.Select(m => $"\n{m.Name} : {m.Value}"))}\r\n}}",
        _ => throw new InvalidOperationException(),
    };

    /// <summary>The same value with the members of every object in another order. Of equal names only the last is kept, because
    /// for those the order matters.</summary>
    public JsonSample Shuffled(Random random) => this switch
    {
        Sequence list => new Sequence([.. list.Items.Select(i => i.Shuffled(random))]),
        Members members => new Members([.. members.Items
            .Reverse()
            .DistinctBy(m => JsonSerializer.Deserialize<string>(m.Name))
            .Select(m => (m.Name, m.Value.Shuffled(random)))
            .OrderBy(_ => random.Next())]),
        _ => this,
    };
}

/// <summary>Generators of JSON values.</summary>
public static class JsonSamples
{
    private static readonly Gen<string> Character = Gen.Frequency(
        (6, Gen.Char['a', 'd'].Select(c => c.ToString())),
        (2, Gen.Char[' ', '~'].Where(c => c is not ('"' or '\\')).Select(c => c.ToString())),
        (2, Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Where(c => c >= ' ' && c is not ('"' or '\\')).Select(c => new Rune(c).ToString())),
        (1, Gen.OneOf("\uFFFD", "\uE000", "\u2028", "\u007F", "/", "\U0001F600")),
        (1, Gen.OneOf("\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\uD83D\\uDE00", "\\u0061", "\\u00e9", "\\u0022", "\\u005C")),
        (1, Gen.Int[0, 0xFFFF].Where(Rune.IsValid).Select(c => $"\\u{c:X4}")));

    private static readonly Gen<string> Text = Character.Array[0, 6].Select(c => $"\"{string.Concat(c)}\"");

    /// <summary>Finite floats of all magnitudes.</summary>
    public static Gen<double> Finite { get; } = Gen.OneOf(
        Gen.Double.Where(double.IsFinite),
        Gen.Select(Gen.Double[-10, 10], Gen.Int[-25, 25]).Select((m, e) => m * Math.Pow(10, e)),
        Gen.Select(Gen.Long[-100_000_000_000, 100_000_000_000], Gen.Int[-12, 22]).Select((m, e) => double.Parse($"{m}e{e}", CultureInfo.InvariantCulture)));

    private static readonly Gen<string> Number = Gen.OneOf(
        Gen.Int.Select(i => i.ToString(CultureInfo.InvariantCulture)),
        Gen.Long.Select(i => i.ToString(CultureInfo.InvariantCulture)),
        Gen.ULong.Select(i => i.ToString(CultureInfo.InvariantCulture)),
        Finite.Select(d => d.ToString("R", CultureInfo.InvariantCulture)),
        Gen.Select(Gen.Int[-999_999, 999_999], Gen.Int[-30, 30]).Select((m, e) => $"{m}E{e}"),
        Gen.Int[-99_999, 99_999].Select(i => (i / 100m).ToString("F2", CultureInfo.InvariantCulture)),
        Gen.OneOf("-0", "-0.0", "0e5", "18446744073709551616", "-9223372036854775809", "1e21", "1e-7", "0.000001"));

    private static readonly Gen<JsonSample> LeafValue =
        Gen.OneOf(Text, Number, Gen.OneOf("true", "false", "null")).Select(text => (JsonSample)new JsonSample.Leaf(text));

    /// <summary>Any value, up to five levels deep.</summary>
    public static Gen<JsonSample> Value { get; } = Gen.Recursive<JsonSample>((depth, value) => depth >= 5
        ? LeafValue
        : Gen.Frequency(
            (1, LeafValue),
            (1, value.Array[0, 4].Select(items => (JsonSample)new JsonSample.Sequence(items))),
            (3, Gen.Select(Text, value).Array[0, 5].Select(items => (JsonSample)new JsonSample.Members(items)))));
}
