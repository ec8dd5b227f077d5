using System.Net;
using Bank.Web.Api;
using Bank.Web.Live;
using Microsoft.Extensions.Time.Testing;

namespace Bank.Web.Tests;

public class ChangeTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _keys = [];
    private Change _change = null!;

    [SetUp]
    public void Create()
    {
        _keys.Clear();
        _change = new Change(_time);
    }

    [Test]
    public async Task What_is_not_answered_is_sent_again_with_the_same_key()
    {
        var sending = SendAsync("10", Away, Away, null);
        await ElapseAsync(sending);

        Assert.That(await sending, Is.EqualTo("done"));
        Assert.That(_keys, Has.Count.EqualTo(3));
        Assert.That(_keys.Distinct().Count(), Is.EqualTo(1));
        Assert.That(_change.MayHaveHappened("10"), Is.False);
    }

    [Test]
    public async Task After_four_attempts_it_may_have_happened_and_a_later_press_still_has_the_key()
    {
        var sending = SendAsync("10", Away, Away, Away, Away);
        await ElapseAsync(sending);
        await Assert.ThatAsync(() => sending, Throws.InstanceOf<BankException>());
        var mayHaveHappened = _change.MayHaveHappened("10");

        await SendAsync("20", [null]);
        await SendAsync("10", [null]);

        Assert.That(mayHaveHappened, Is.True);
        Assert.That(_keys[..4].Append(_keys[5]).Distinct().Count(), Is.EqualTo(1), "whatever was done in between");
        Assert.That(_keys[4], Is.Not.EqualTo(_keys[5]));
    }

    [Test]
    public async Task What_reached_nobody_has_not_happened()
    {
        var nobody = new BankException(null, "nobody", wasSent: false);
        var sending = SendAsync("10", nobody, nobody, nobody, nobody);
        await ElapseAsync(sending);

        await Assert.ThatAsync(() => sending, Throws.InstanceOf<BankException>());
        Assert.That(_change.MayHaveHappened("10"), Is.False);
    }

    [Test]
    public async Task Something_else_or_the_same_once_more_has_a_key_of_its_own()
    {
        await SendAsync("10", [null]);
        await SendAsync("10", [null]);
        await Assert.ThatAsync(() => SendAsync("20", new BankException(HttpStatusCode.Conflict, "no")), Throws.InstanceOf<BankException>());
        await SendAsync("30", [null]);

        Assert.That(_keys.Distinct().Count(), Is.EqualTo(4));
    }

    [Test]
    public async Task A_refusal_that_is_repeated_keeps_its_key_because_an_earlier_attempt_may_still_arrive()
    {
        var refused = new BankException(HttpStatusCode.Conflict, "no");
        await Assert.ThatAsync(() => SendAsync("10", refused), Throws.InstanceOf<BankException>());
        await SendAsync("10", [null]);

        Assert.That(_keys.Distinct().Count(), Is.EqualTo(1));
    }

    private static BankException Away => new(HttpStatusCode.ServiceUnavailable, "away");

    /// <summary>Sends a change whose attempts end like this: null is a success.</summary>
    private Task<string> SendAsync(string wanted, params BankException?[] ends)
    {
        var attempts = new Queue<BankException?>(ends);
        return _change.SendAsync(wanted, key =>
        {
            _keys.Add(key);
            return attempts.Dequeue() is { } end ? Task.FromException<string>(end) : Task.FromResult("done");
        }, CancellationToken.None);
    }

    private async Task ElapseAsync(Task task)
    {
        for (var second = 0; second < 100 && !task.IsCompleted; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.That(task.IsCompleted, Is.True);
    }
}
