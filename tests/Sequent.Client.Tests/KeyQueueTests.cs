using System.Runtime.ExceptionServices;
using Sequent.Client.Units;

namespace Sequent.Client.Tests;

internal sealed class KeyQueueTests
{
    [Test]
    public async Task Keys_are_given_in_the_order_they_were_asked_for()
    {
        var queues = new KeyQueues();
        Assert.That(queues.TryTake("k"), Is.True);
        var first = queues.TakeAsync("k", CancellationToken.None);
        var second = queues.TakeAsync("k", CancellationToken.None);
        Assert.That((queues.TryTake("k"), queues.TryTake("other")), Is.EqualTo((false, true)));

        queues.Release("k");
        await first;
        Assert.That(second.IsCompleted, Is.False);

        queues.Release("k");
        await second;
        queues.Release("k");
        Assert.That(queues.TryTake("k"), Is.True);
    }

    [Test]
    public async Task Who_leaves_a_queue_does_not_hold_up_those_behind()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        using var cancel = new CancellationTokenSource();
        var leaving = queues.TakeAsync("k", cancel.Token);
        var next = queues.TakeAsync("k", CancellationToken.None);

        await cancel.CancelAsync();
        Assert.That(async () => await leaving, Throws.InstanceOf<OperationCanceledException>());
        queues.Release("k");

        await next;
    }

    [Test]
    public async Task A_unit_that_holds_a_key_never_waits_for_another()
    {
        var queues = new KeyQueues();
        queues.TryTake("busy");
        using (var held = new HeldKeys(queues, mayWait: true))
        {
            await held.TakeAsync("free", CancellationToken.None);
            await held.TakeAsync("busy", CancellationToken.None);
            await held.TakeAsync("free", CancellationToken.None);
            Assert.That(queues.TryTake("free"), Is.False);
        }

        Assert.That((queues.TryTake("free"), queues.TryTake("busy")), Is.EqualTo((true, false)));
    }

    [Test]
    public async Task A_key_taken_after_the_run_is_given_back_at_once()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        var held = new HeldKeys(queues, mayWait: true);
        var late = held.TakeAsync("k", CancellationToken.None);

        held.Dispose();
        queues.Release("k");
        await late;

        Assert.That(queues.TryTake("k"), Is.True);
    }

    [Test]
    public async Task A_second_run_takes_the_keys_of_the_first_in_sorted_order()
    {
        var queues = new KeyQueues();
        queues.TryTake("b");
        using var held = new HeldKeys(queues, mayWait: true);

        var taking = held.TakeAllAsync(["c", "b", "a"], CancellationToken.None);

        Assert.That((taking.IsCompleted, queues.TryTake("a"), queues.TryTake("c")), Is.EqualTo((false, false, true)));
        queues.Release("c");
        queues.Release("b");
        await taking;
    }

    [Test]
    public async Task Who_leaves_a_queue_gives_nobody_a_turn_before_it_is_due()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        using var cancel = new CancellationTokenSource();
        var first = queues.TakeAsync("k", CancellationToken.None);
        var leaving = queues.TakeAsync("k", cancel.Token);

        await cancel.CancelAsync();
        await Assert.ThatAsync(() => leaving, Throws.InstanceOf<OperationCanceledException>());

        Assert.That(first.IsCompleted, Is.False, "the key is still held");
        queues.Release("k");
        await first;
    }

    [Test]
    public async Task A_turn_that_comes_to_one_who_is_just_leaving_is_not_lost()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        using var cancel = new CancellationTokenSource();
        var token = cancel.Token;
        var leaving = queues.TakeAsync("k", token);
        var hasTurn = false;
        AppDomain.CurrentDomain.FirstChanceException += GiveTurn;

        await cancel.CancelAsync();
        await Assert.ThatAsync(() => leaving, Throws.InstanceOf<OperationCanceledException>());

        AppDomain.CurrentDomain.FirstChanceException -= GiveTurn;
        Assert.That(hasTurn, Is.True);
        Assert.That(queues.TryTake("k"), Is.True, "nobody holds the key");

        // It is cancelled by then, and still in the queue.
        void GiveTurn(object? sender, FirstChanceExceptionEventArgs e)
        {
            if (hasTurn || e.Exception is not OperationCanceledException cancelled || cancelled.CancellationToken != token)
                return;
            hasTurn = true;
            queues.Release("k");
        }
    }

    [Test]
    public void A_second_run_inside_another_unit_does_not_wait_for_the_keys_of_the_first()
    {
        var queues = new KeyQueues();
        queues.TryTake("k");
        using var held = new HeldKeys(queues, mayWait: false);

        Assert.That(held.TakeAllAsync(["k"], CancellationToken.None).IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public async Task A_key_is_given_back_once_and_then_belongs_to_the_next()
    {
        var queues = new KeyQueues();
        var held = new HeldKeys(queues, mayWait: true);
        await held.TakeAsync("k", CancellationToken.None);
        held.Dispose();
        queues.TryTake("k");

        held.Dispose();

        Assert.That(queues.TryTake("k"), Is.False);
    }
}
