using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;

namespace Sequent.Protocol.Tests;

public sealed partial class CanonicalJsonTests
{
    private static ReadOnlySpan<byte> Disturbing => "\"\\[]{},:eE.-+0919unt/ \n\t\u0001\u00e9\ufeffdD8"u8;

    [Test]
    public void The_canonical_text_of_a_canonical_text_is_itself() => JsonSamples.Value.Sample(value =>
    {
        var once = CanonicalJson.Format(value.Bytes);
        Assert.That(CanonicalJson.Format(once).AsSpan().SequenceEqual(once));
    });

    [Test]
    public void The_order_of_members_does_not_change_the_checksum() => Gen.Select(JsonSamples.Value, Gen.Int).Sample((value, seed) =>
    {
        Assert.That(Checksum.Compute(value.Shuffled(new Random(seed)).Bytes), Is.EqualTo(Checksum.Compute(value.Bytes)));
    });

    [Test]
    public void The_canonical_text_keeps_the_value() => JsonSamples.Value.Sample(value =>
    {
        Assert.That(() => StrictJson.Validate(value.Bytes, WireNames.MaxDepth), Throws.Nothing);
        using var before = JsonDocument.Parse(value.Bytes);
        using var after = JsonDocument.Parse(CanonicalJson.Format(value.Bytes));
        Assert.That(Same(before.RootElement, after.RootElement), Is.True, $"{before.RootElement} became {after.RootElement}");
    });

    [Test]
    public void The_names_of_a_canonical_object_rise_in_utf8_bytes() => JsonSamples.Value.Sample(value =>
    {
        using var document = JsonDocument.Parse(CanonicalJson.Format(value.Bytes));
        Assert.That(Rises(document.RootElement), Is.True);
    });

    [Test]
    public void A_float_reads_back_the_same_and_has_the_right_form() => JsonSamples.Finite.Sample(
        value =>
        {
            var text = Print(value.ToString("R", CultureInfo.InvariantCulture) is var r && r.AsSpan().ContainsAny('.', 'E') ? r : r + ".0");
            var form = value == 0 || Math.Abs(value) is >= 1e-6 and < 1e21 ? PlainFloat() : FloatWithExponent();
            Assert.That(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)), Is.EqualTo(BitConverter.DoubleToInt64Bits(value)));
            Assert.That(form.IsMatch(text), Is.True, text);
        },
        iter: 10_000);

    /// <summary>Whatever happens to the bytes, the scanner and the printer refuse the same, and only with the exception they name.</summary>
    [Test]
    public void The_scanner_and_the_printer_agree_on_damaged_text() =>
        Gen.Select(JsonSamples.Value, Gen.Select(Gen.Double[0, 1], Gen.Int[0, Disturbing.Length - 1]).Array[1, 3]).Sample(
            (value, changes) =>
            {
                var bytes = value.Bytes;
                foreach (var (place, disturbing) in changes)
                {
                    bytes[(int)(place * (bytes.Length - 1))] = Disturbing[disturbing];
                }

                var accepted = Accepts(() => StrictJson.Validate(bytes, WireNames.MaxDepth));
                Assert.That(Accepts(() => CanonicalJson.Format(bytes)), Is.EqualTo(accepted));
            },
            iter: 20_000);

    [Test]
    public void Orders_many_members_and_keeps_the_last_of_each()
    {
        var members = Enumerable.Range(0, 20_000).Select(i => $"\"{i * 7919 % 10_000:0000}\":{i}");
        using var document = JsonDocument.Parse(CanonicalJson.Format(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}")));

        var names = document.RootElement.EnumerateObject().ToList();

        Assert.That(names, Has.Count.EqualTo(10_000));
        Assert.That(names.Select(p => p.Name), Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(names.Select(p => p.Value.GetInt32()), Has.All.GreaterThanOrEqualTo(10_000));
    }

    [Test]
    public void A_refused_value_writes_nothing()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.That(() => CanonicalJson.Write("{\"a\":1,\"b\":\"\\ud800\"}"u8, output), Throws.TypeOf<ProtocolException>());
        Assert.That(output.WrittenCount, Is.Zero);
    }

    [Test]
    public void Appends_to_what_the_output_holds()
    {
        var output = new ArrayBufferWriter<byte>();
        output.Write("data="u8);
        CanonicalJson.Write("{\"b\":1e20, \"a\":[ ]}"u8, output);
        Assert.That(Encoding.UTF8.GetString(output.WrittenSpan), Is.EqualTo("data={\"a\":[],\"b\":100000000000000000000.0}"));
    }

    [Test]
    public void Prints_127_levels_and_refuses_128()
    {
        var deepest = new string('[', 127) + new string(']', 127);
        Assert.That(Print(deepest), Is.EqualTo(deepest));
        Assert.That(() => Print("[" + deepest + "]"), Throws.TypeOf<ProtocolException>());
    }

    private static string Print(string json) => Encoding.UTF8.GetString(CanonicalJson.Format(Encoding.UTF8.GetBytes(json)));

    private static bool Accepts(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (ProtocolException)
        {
            return false;
        }
    }

    private static bool Same(JsonElement x, JsonElement y) => x.ValueKind == y.ValueKind && x.ValueKind switch
    {
        JsonValueKind.Object => SameMembers(LastOfEach(x), LastOfEach(y)),
        JsonValueKind.Array => x.GetArrayLength() == y.GetArrayLength() && x.EnumerateArray().Zip(y.EnumerateArray()).All(p => Same(p.First, p.Second)),
        JsonValueKind.String => x.GetString() == y.GetString(),
        JsonValueKind.Number => SameNumber(x, y),
        _ => true,
    };

    private static bool SameMembers(Dictionary<string, JsonElement> x, Dictionary<string, JsonElement> y) =>
        x.Count == y.Count && x.All(m => y.TryGetValue(m.Key, out var other) && Same(m.Value, other));

    private static Dictionary<string, JsonElement> LastOfEach(JsonElement element)
    {
        var members = new Dictionary<string, JsonElement>();
        foreach (var property in element.EnumerateObject())
        {
            members[property.Name] = property.Value;
        }

        return members;
    }

    private static bool SameNumber(JsonElement x, JsonElement y) =>
        x.TryGetInt64(out var signed) ? y.TryGetInt64(out var otherSigned) && signed == otherSigned
        : x.TryGetUInt64(out var unsigned) ? y.TryGetUInt64(out var otherUnsigned) && unsigned == otherUnsigned
        : BitConverter.DoubleToInt64Bits(Float(x)) == BitConverter.DoubleToInt64Bits(Float(y));

    /// <summary>Not <see cref="JsonElement.GetDouble"/>: on .NET 10 it misreads 311793000000000000000.0 by one unit in the last place.</summary>
    private static double Float(JsonElement number) => double.Parse(number.GetRawText(), CultureInfo.InvariantCulture);

    private static bool Rises(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().All(Rises),
        JsonValueKind.Object => element.EnumerateObject().All(p => Rises(p.Value))
            && element.EnumerateObject().Zip(element.EnumerateObject().Skip(1)).All(p =>
                Encoding.UTF8.GetBytes(p.First.Name).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(p.Second.Name)) < 0),
        _ => true,
    };

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)\.([0-9]*[1-9]|0)$")]
    private static partial Regex PlainFloat();

    [GeneratedRegex(@"^-?[1-9](\.[0-9]*[1-9])?e-?[1-9][0-9]*$")]
    private static partial Regex FloatWithExponent();
}
