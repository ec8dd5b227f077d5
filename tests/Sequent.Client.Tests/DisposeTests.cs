using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

internal sealed class DisposeTests : BusTest
{
    [Test]
    public async Task Whoever_disposes_of_a_client_that_is_being_disposed_of_waits_until_it_is()
    {
        var goOn = new TaskCompletionSource();
        Bus.BeforeNext<NewMessage>(() => goOn.Task);
        var publish = Client.PublishAsync(new Deposited(1m), "k", cancellationToken: Token);
        await UntilAsync(() => Bus.CountReceived<NewMessage>() == 1, "the event is on its way");

        var begun = 0;
        var disposing = Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            // Whoever holds a thread until it is done says so before.
            var dispose = i < 3 ? Client.DisposeAsync().AsTask() : null;
            Interlocked.Increment(ref begun);
            if (dispose is null)
                Client.Dispose();
            else
                await dispose;
            Assert.That((publish.IsCompleted, Client.State), Is.EqualTo((true, ConnectionState.Closed)));
        })).ToArray();
        await UntilAsync(() => Volatile.Read(ref begun) == disposing.Length, "everybody disposes of it");
        Assert.That(disposing.Select(d => d.IsCompleted), Is.All.False, "its receipt is due");
        goOn.SetResult();

        await Task.WhenAll(disposing).WaitAsync(Token);
        Assert.That((await publish).IsSuccess);
    }
}
