using Bank.Contracts;
using CsCheck;

namespace Bank.Tests;

public class MoneyTests
{
    [Test]
    public void Every_amount_written_reads_back_as_itself() =>
        Gen.Long.Sample(cents => Money.TryParse(new Money(cents).ToString(), out var read) && read.Cents == cents);

    [Test]
    public void Every_payable_amount_is_accepted_as_it_is_written() =>
        Gen.Long[1, 1_000_000_000_00].Sample(cents => Money.TryParsePayable(new Money(cents).ToString(), out var read) && read.Cents == cents && read.IsPayable);

    [Test]
    public void What_is_payable_never_depends_on_anything_but_the_written_form() =>
        Gen.String[Gen.Char["0123456789.-+ e"], 0, 14].Sample(text =>
            Money.TryParsePayable(text, out var amount) == (IsWrittenWell(text) && decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture) is >= 0.01m and <= 1_000_000_000m)
            && (amount == default || amount.Cents == decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture) * 100m));

    [Test]
    public void Adding_and_taking_away_is_exact_or_refused() =>
        Gen.Select(Gen.Long, Gen.Long).Sample((left, right) =>
        {
            var exact = (Int128)left + right;
            try
            {
                return (new Money(left) + new Money(right)).Cents == exact;
            }
            catch (OverflowException)
            {
                return exact > long.MaxValue || exact < long.MinValue;
            }
        });

    [TestCase(0, "0.00")]
    [TestCase(5, "0.05")]
    [TestCase(-5, "-0.05")]
    [TestCase(123456, "1234.56")]
    [TestCase(long.MinValue, "-92233720368547758.08")]
    public void Money_is_written_with_two_decimals(long cents, string text) => Assert.That(new Money(cents).ToString(), Is.EqualTo(text));

    [TestCase("0.01")]
    [TestCase("1000000000.00")]
    [TestCase("0000000001.00")]
    public void An_amount_in_range_is_payable(string text) => Assert.That(Money.TryParsePayable(text, out _), Is.True);

    [TestCase(null)]
    [TestCase("")]
    [TestCase("0.00")]
    [TestCase("1000000000.01")]
    [TestCase("-1.00")]
    [TestCase("+1.00")]
    [TestCase("1")]
    [TestCase("1.0")]
    [TestCase("1.000")]
    [TestCase(".50")]
    [TestCase("1,00")]
    [TestCase(" 1.00")]
    [TestCase("1.00\n")]
    [TestCase("1e2.00")]
    [TestCase("00000000001.00")]
    [TestCase("١.٠٠", Description = "digits, but not ours")]
    public void Anything_else_is_not(string? text) => Assert.That(Money.TryParsePayable(text, out _), Is.False);

    private static bool IsWrittenWell(string text) =>
        text.Length is >= 4 and <= 13 && text[^3] == '.' && text.Remove(text.Length - 3, 1).All(char.IsAsciiDigit);
}
