using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>What the bank says.</summary>
internal sealed class AnswerSteps(World world)
{
    /// <summary>The words of the features for what services say in theirs.</summary>
    private static readonly Dictionary<string, (int Status, string Said)> Refusals = new()
    {
        ["the name is taken"] = (409, "This name is taken."),
        ["name or password is wrong"] = (401, "Name or password is wrong."),
        ["nobody is logged in"] = (401, "Unauthorized"),
        ["it belongs to somebody else"] = (403, "This belongs to somebody else."),
        ["there is no such account"] = (404, "No such account."),
        ["there is no such request"] = (404, "No such request."),
        ["of insufficient funds"] = (409, "insufficient_funds"),
        ["another request was made under this key"] = (422, "A different request was made with this Idempotency-Key"),
    };

    private static readonly Dictionary<string, string> Fields = new()
    {
        ["name"] = "username",
        ["password"] = "password",
        ["amount"] = "amount",
        ["receiving account"] = "to_account_id",
    };

    [Step("that is accepted")]
    public void Accepted() => Assert.That(world.Answer.Status, Is.InRange(200, 299), $"{world.Answer.Body}");

    [Step("that is refused because {words}")]
    public void Refused(string why) => AssertRefused(world.Answer, why);

    [Step("the {words} is refused:")]
    public void RefusedByRule(string what, string rule)
    {
        Assert.That(world.Answer.Status, Is.EqualTo(400), $"{world.Answer.Body}");
        var errors = world.Answer.Body!["errors"]!.AsObject().Select(error => (error.Key, (string?)error.Value![0]));
        Assert.That(errors, Is.EqualTo(new[] { (Meaning(Fields, what), rule) }));
    }

    public static void AssertRefused(Answer answer, string why)
    {
        var (status, said) = Meaning(Refusals, why);
        Assert.That(answer.Status, Is.EqualTo(status), $"{answer.Body}");
        Assert.That($"{answer.Body}", Does.Contain(said));
    }

    private static T Meaning<T>(Dictionary<string, T> meanings, string words) => meanings.TryGetValue(words, out var meaning)
        ? meaning
        : throw new AssertionException($"No steps know what \"{words}\" means; they know \"{string.Join("\", \"", meanings.Keys)}\".");
}
