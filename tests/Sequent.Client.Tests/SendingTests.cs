using System.Runtime.CompilerServices;
using Sequent.Client.Publishing;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>One message with what one or several callers publish, and what becomes of each.</summary>
internal sealed class SendingTests
{
    [Test]
    public void What_goes_alone_under_its_own_id_is_sent_as_it_is()
    {
        var pending = new PendingPublish(new NewMessage([Event("a")]) { RequestId = "p-own", Atomic = true });

        var sending = new Sending(1, "p-own", [pending]);

        Assert.That((sending.Message, pending.Sending), Is.EqualTo((pending.Message, sending)));
        Assert.That(sending.Message, Is.SameAs(pending.Message));
    }

    [Test]
    public void What_goes_together_is_one_message_with_the_events_of_each_in_order()
    {
        var sending = new Sending(1, "p1", [Pending("a", "b"), Pending("c")]);

        Assert.That((sending.Message.RequestId, string.Concat(sending.Message.Events.Select(e => e.Key))), Is.EqualTo(("p1", "abc")));
        Assert.That(sending.Members.Select(m => m.Sending), Is.All.SameAs(sending));
    }

    [Test]
    public async Task Each_caller_gets_the_receipts_of_its_own_events()
    {
        var sending = new Sending(1, "p1", [Pending("a", "b"), Pending("c"), Pending("d", "e")]) { WasResent = true };

        sending.Succeed(new ReceiptMessage([.. "abcde".Select(key => new ReceiptEntry(ReceiptStatus.Success) { Key = $"{key}" })], "", ""));

        var answers = await Task.WhenAll(sending.Members.Select(m => m.Task));
        Assert.That(answers.Select(a => string.Concat(a.Entries.Select(e => e.Key))), Is.EqualTo(new[] { "ab", "c", "de" }));
        Assert.That(answers.Select(a => a.WasResent), Is.All.True);
    }

    [Test]
    public void Each_caller_is_told_why_it_failed()
    {
        var sending = new Sending(1, "p1", [Pending("a"), Pending("b")]);

        sending.Fail(member => new InvalidOperationException(member.Message.Events[0].Key));

        Assert.That(sending.Members.Select(m => m.Task.Exception?.InnerException?.Message), Is.EqualTo(new[] { "a", "b" }));
    }

    [TestCase(-1, ExpectedResult = false)]
    [TestCase(0, ExpectedResult = true)]
    [TestCase(2, ExpectedResult = true)]
    public bool It_knows_whether_any_caller_has_left(int left)
    {
        var sending = new Sending(1, "p1", [Pending("a"), Pending("b"), Pending("c")]);
        if (left >= 0)
            sending.Members[left].IsAbandoned = true;
        return sending.HasAbandoned;
    }

    [Test]
    public void No_two_messages_have_the_same_id_and_all_begin_alike()
    {
        string[] ids = [.. Enumerable.Range(0, 100).Select(_ => Sending.NewId())];

        Assert.That(ids, Is.Unique.And.All.StartsWith($"{Sending.IdPrefix}"));
    }

    [Test]
    public void A_failure_whose_caller_has_left_is_no_unobserved_exception()
    {
        var unobserved = 0;
        void Note(object? sender, UnobservedTaskExceptionEventArgs e)
        {
            if (e.Exception.InnerException?.Message == nameof(A_failure_whose_caller_has_left_is_no_unobserved_exception))
                Interlocked.Increment(ref unobserved);
        }

        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            for (var i = 0; i < 10; i++)
                FailAndForget();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }

        Assert.That(unobserved, Is.Zero);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailAndForget() => Pending("a").Fail(new InvalidOperationException(nameof(A_failure_whose_caller_has_left_is_no_unobserved_exception)));

    private static NewEvent Event(string key) => new(key, null, 1, "Happened", "1"u8.ToArray());

    private static PendingPublish Pending(params string[] keys) => new(new NewMessage([.. keys.Select(Event)]));
}
