using Bank.Contracts;
using Bank.Web.Live;

namespace Bank.Web.Tests;

public class WordsTests
{
    [TestCase("12", 12_00)]
    [TestCase("12.5", 12_50)]
    [TestCase("12,50", 12_50)]
    [TestCase(" 0.01 ", 1)]
    [TestCase("1000000000.00", 1_000_000_000_00)]
    [TestCase("1\u202f200.50", 1_200_50)]
    [TestCase("1 000 000", 1_000_000_00)]
    public void What_people_type_for_an_amount_is_understood(string typed, long cents) => Assert.That(Words.AmountOf(typed), Is.EqualTo(new Money(cents)));

    [TestCase(null)]
    [TestCase("")]
    [TestCase("0")]
    [TestCase("0.00")]
    [TestCase("-5")]
    [TestCase("1.234")]
    [TestCase("1,234.50")]
    [TestCase("1e3")]
    [TestCase("twelve")]
    [TestCase("1000000000.01")]
    [TestCase("12.")]
    [TestCase("1 20")]
    public void What_could_mean_something_else_is_no_amount(string? typed) => Assert.That(Words.AmountOf(typed), Is.Null);

    [TestCase(0, "0.00")]
    [TestCase(999_99, "999.99")]
    [TestCase(1_000_00, "1\u202f000.00")]
    [TestCase(1_234_567_89, "1\u202f234\u202f567.89")]
    [TestCase(-12_00, "\u221212.00")]
    public void Amounts_are_grouped(long cents, string text) => Assert.That(Words.Of(new Money(cents)), Is.EqualTo(text));
}
