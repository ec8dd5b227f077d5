using System.Net;
using Bank.Contracts;
using Bank.Web.Api;
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

    [TestCase(false, true)]
    [TestCase(true, false)]
    public void A_refusal_changed_nothing_only_if_no_earlier_attempt_may_have(bool mayHaveHappened, bool changedNothing)
    {
        var refused = new BankException(HttpStatusCode.Conflict, "no", Reasons.InsufficientFunds);

        var text = Words.OfFailure(refused, mayHaveHappened);

        Assert.That(text, Does.StartWith(Words.OfReason(Reasons.InsufficientFunds)), "why it was refused");
        Assert.That(text.Contains("Nothing was changed", StringComparison.Ordinal), Is.EqualTo(changedNothing));
        Assert.That(text.Contains("may still be carried out", StringComparison.Ordinal), Is.EqualTo(mayHaveHappened));
    }

    [TestCase(null)]
    [TestCase(HttpStatusCode.InternalServerError)]
    [TestCase(HttpStatusCode.ServiceUnavailable)]
    public void A_change_that_was_not_answered_may_be_done_or_not(HttpStatusCode? status)
    {
        var unanswered = new BankException(status, "no answer");

        var text = Words.OfFailure(unanswered, mayHaveHappened: true);

        Assert.That(text, Does.Contain("may be done or not").And.Not.Contain("Nothing was changed"));
    }

    [Test]
    public void A_change_that_reached_nobody_changed_nothing()
    {
        var unsent = new BankException(null, "nobody", wasSent: false);

        var text = Words.OfFailure(unsent, mayHaveHappened: false);

        Assert.That(text, Does.Contain("Nothing was changed").And.Not.Contain("may be done"));
    }

    [Test]
    public void What_is_wrong_with_a_field_is_told_in_its_own_words()
    {
        var wrong = new BankException(HttpStatusCode.BadRequest, "no", errors: new Dictionary<string, string[]> { ["amount"] = ["Too small."] });

        Assert.That(Words.OfFailure(wrong, mayHaveHappened: false), Is.EqualTo("Too small."));
    }
}
