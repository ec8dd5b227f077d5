using System.Text;

namespace Sequent.Protocol.Tests;

public sealed class StrictJsonTests
{
    [TestCase("""{"a":"\ud800"}""", 6)]
    [TestCase("""{"unknown":[{"x\udc00":1}]}""", 15)]
    [TestCase("""{"a":"\\\ud83d\ude00\ud83d\\ude00"}""", 20)]
    [TestCase("""{"a":1e400}""", 5)]
    [TestCase("{\"a\":1,\n\"b\":2,}", 14)]
    [TestCase("{\"a\":1,\n\n\"b\":nul}", 16)]
    [TestCase("[1] 2", 4)]
    [TestCase("[1]// no", 3)]
    [TestCase("\uFEFF1", 0)]
    [TestCase("\"é\u0001\"", 3)]
    public void Names_the_offset_in_bytes(string text, int offset)
    {
        Assert.That(Refusal(Encoding.UTF8.GetBytes(text)).Message, Does.StartWith($"Malformed JSON at byte {offset}: "));
    }

    // A stray continuation, an overlong slash, an encoded surrogate, a code point beyond U+10FFFF, a cut sequence.
    [TestCase(new byte[] { 0x80 })]
    [TestCase(new byte[] { 0xC0, 0xAF })]
    [TestCase(new byte[] { 0xED, 0xA0, 0x80 })]
    [TestCase(new byte[] { 0xF4, 0x90, 0x80, 0x80 })]
    [TestCase(new byte[] { 0xE2, 0x82 })]
    public void Refuses_invalid_utf8_in_names_and_values(byte[] invalid)
    {
        byte[] value = [.. "{\"a\":\""u8, .. invalid, .. "\"}"u8];
        byte[] name = [.. "{\""u8, .. invalid, .. "\":1}"u8];
        Assert.That(Refusal(value).Message, Does.StartWith("Malformed JSON at byte 6: the bytes are not valid UTF-8"));
        Assert.That(Refusal(name).Message, Does.StartWith("Malformed JSON at byte 2: the bytes are not valid UTF-8"));
    }

    [TestCase("0e99999999999", "0.0")]
    [TestCase("-0e400", "-0.0")]
    [TestCase("1e-99999999999", "0.0")]
    [TestCase("1.7976931348623157e308", "1.7976931348623157e308")]
    [TestCase("4.9e-324", "5e-324")]
    [TestCase("311793E15", "311793000000000000000.0")]
    [TestCase("311793000000000000000.0", "311793000000000000000.0")]
    public void Accepts_extreme_numbers_within_the_range(string text, string canonical)
    {
        var json = Encoding.UTF8.GetBytes(text);
        Assert.That(() => StrictJson.Validate(json, 1), Throws.Nothing);
        Assert.That(Encoding.UTF8.GetString(CanonicalJson.Format(json)), Is.EqualTo(canonical));
    }

    [Test]
    public void Accepts_308_digits_and_refuses_400()
    {
        Assert.That(() => StrictJson.Validate(Encoding.UTF8.GetBytes(new string('9', 308)), 1), Throws.Nothing);
        Assert.That(Refusal(Encoding.UTF8.GetBytes(new string('9', 400))).Message, Does.Contain("64-bit float"));
        Assert.That(Refusal(Encoding.UTF8.GetBytes(new string('9', 309))).Message, Does.Contain("64-bit float"));
        Assert.That(Refusal(Encoding.UTF8.GetBytes(new string('9', 400) + ".5")).Message, Does.Contain("64-bit float"));
    }

    [TestCase(1)]
    [TestCase(64)]
    [TestCase(124)]
    [TestCase(127)]
    public void Accepts_the_depth_and_refuses_one_more(int depth)
    {
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            Assert.That(() => StrictJson.Validate(Nested(depth), depth), Throws.Nothing);
            Assert.That(() => StrictJson.Validate(Nested(depth + 1), depth), Throws.TypeOf<ProtocolException>());

            byte[] Nested(int levels) => Encoding.UTF8.GetBytes(
                string.Concat(Enumerable.Repeat(open, levels)) + (open == "[" ? "" : "1") + string.Concat(Enumerable.Repeat(close, levels)));
        }
    }

    [Test]
    public void Refuses_a_depth_without_meaning()
    {
        Assert.That(() => StrictJson.Validate("1"u8, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Does_not_repeat_long_input_in_the_message()
    {
        Assert.That(Refusal(Encoding.UTF8.GetBytes("n" + new string('x', 10_000))).Message, Has.Length.LessThan(300));
        Assert.That(Refusal(Encoding.UTF8.GetBytes("\"" + new string('x', 10_000))).Message, Has.Length.LessThan(300));
    }

    private static ProtocolException Refusal(byte[] json)
    {
        try
        {
            StrictJson.Validate(json, WireNames.MaxDepth);
        }
        catch (ProtocolException e)
        {
            Assert.That(e.Code, Is.EqualTo(ErrorCodes.MalformedJson));
            return e;
        }

        throw new AssertionException("The text was accepted.");
    }
}
