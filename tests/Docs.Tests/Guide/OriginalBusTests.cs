using Sequent.Client;

namespace Docs.Tests.Guide;

/// <summary>The code of docs/guide/original-bus.md, at a bus that can do everything.</summary>
public sealed class OriginalBusTests : GuideTest
{
    [Test]
    public async Task Tell_which_bus_it_is()
    {
        var client = Client;

        BusInfo bus = await client.ConnectAsync();
        Console.WriteLine(bus.IsOriginal ? "It speaks the original protocol only." : $"It has log {bus.LogId}.");

        try
        {
            await client.PublishAtomicAsync([new(new Withdrawn(1m), "acc-1"), new(new Deposited(1m), "acc-2")]);
        }
        catch (RequestFailedException e) when (e.Code == RequestFailedException.NotSupported)
        {
            Console.WriteLine(e.Message);
        }

        Assert.That(bus.IsOriginal, Is.False);
        Assert.That(await Bus.EventsAsync(), Has.Count.EqualTo(2));
    }
}
