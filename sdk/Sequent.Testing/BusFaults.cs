using Sequent.Testing.Running;

namespace Sequent.Testing;

/// <summary>
/// What may go wrong between services and their bus, on demand. All times here are real time. Faults of connections hit every connection but those of
/// the test bus itself, so <see cref="SequentTestBus.PublishAsync"/> never uses up what was meant for the service; faults of the store hit everybody.
/// What hits one service alone is at <see cref="SequentTestService"/>. Faults stay over a stop and a start. Safe for concurrent use.
/// </summary>
public sealed class BusFaults
{
    private readonly BusHost _host;

    internal BusFaults(BusHost host) => _host = host;

    /// <summary>
    /// How many connections were ended so far, by <see cref="DropConnections"/>, <see cref="DropConnectionsEvery"/>, <see cref="SequentTestBus.KillAsync"/>
    /// and <see cref="SequentTestService.KillAsync"/>: for a test to assert that what it is about did happen.
    /// </summary>
    public long DroppedConnections => _host.WireFaults.CutLinks;

    /// <summary>How many messages of receipts were lost so far.</summary>
    public long LostReceipts => _host.WireFaults.LostReceipts;

    /// <summary>How many accesses to the store have failed so far because of <see cref="FailStore"/>.</summary>
    public long FailedStoreAccesses => _host.StoreFaults.Failed;

    /// <summary>Ends every connection at once and without a goodbye, as a broken network does.</summary>
    public void DropConnections() => _host.WireFaults.Cut(ownToo: false);

    /// <summary>Ends every connection again and again.</summary>
    /// <param name="interval">How often, at least 1 ms and at most 1 h; null: no more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is not in these limits.</exception>
    public void DropConnectionsEvery(TimeSpan? interval)
    {
        if (interval is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(given, TimeSpan.FromMilliseconds(1), nameof(interval));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(given, TimeSpan.FromHours(1), nameof(interval));
        }

        _host.WireFaults.CutEvery(interval);
    }

    /// <summary>
    /// Loses the next receipts: the bus has decided and stored, but the connection ends instead of the receipt. Adds to those that are still to be lost.
    /// </summary>
    /// <param name="count">How many messages of receipts; a client may publish several events with one message, and gets one such message for it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    public void LoseReceipts(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _host.WireFaults.LoseReceipts(count);
    }

    /// <summary>Holds every receipt back for a while, and with it everything that follows on its connection.</summary>
    /// <param name="delay">How long, at most 1 min. <see cref="TimeSpan.Zero"/> ends it, and lets go what is held back.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is not in these limits.</exception>
    public void DelayReceipts(TimeSpan delay) => _host.WireFaults.ReceiptDelay.Set(delay);

    /// <summary>
    /// Lets the next publish or unit that appends to a key, or has read it and appends elsewhere, meet a conflict, as if another writer had been faster. A
    /// unit runs again by itself; of a single publish the conflict names the value 4,294,967,295 instead of the one that was given.
    /// </summary>
    /// <param name="key">The sequence key.</param>
    /// <param name="times">How often; adds to what was asked for before.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is less than once.</exception>
    public void RejectNext(string key, int times = 1)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        _host.WireFaults.Reject(key, times);
    }

    /// <summary>
    /// Lets every access to the store fail until <see cref="HealStore"/>: nothing published is stored, which the bus answers with <c>store_unavailable</c>
    /// and clients repeat; what is not in the memory of the bus cannot be read; acks are not saved, and the bus cannot start.
    /// </summary>
    public void FailStore() => _host.StoreFaults.Fails = true;

    /// <summary>Lets every access to the store take longer until <see cref="HealStore"/>.</summary>
    /// <param name="delay">How much longer, at most 1 min. What waits already goes on at once.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is not in these limits.</exception>
    public void SlowStore(TimeSpan delay) => _host.StoreFaults.Delay.Set(delay);

    /// <summary>The store works again; what waited for it goes on at once.</summary>
    public void HealStore()
    {
        _host.StoreFaults.Fails = false;
        _host.StoreFaults.Delay.Set(TimeSpan.Zero);
    }

    /// <summary>Ends every fault, also those that were asked for and did not happen yet, and lets paused connections go on. The test bus does so when it is disposed.</summary>
    public void EndAll()
    {
        _host.WireFaults.EndAll();
        HealStore();
    }
}
