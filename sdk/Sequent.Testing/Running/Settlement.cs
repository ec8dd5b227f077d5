using Sequent.Bus;
using Sequent.Bus.Delivering;
using Sequent.Bus.Storage;

namespace Sequent.Testing.Running;

/// <summary>Whether a client type has settled what it is waited for, and if not, why.</summary>
/// <param name="host">The bus.</param>
/// <param name="clientType">Who is waited for.</param>
/// <param name="position">What is waited for.</param>
/// <param name="andAllBefore">Everything before it too.</param>
internal sealed class Settlement(BusHost host, string clientType, long position, bool andAllBefore)
{
    private const string Stopped = "The bus is stopped.";

    private static readonly TimeSpan ExplanationLimit = TimeSpan.FromSeconds(1);

    public async Task<bool> IsReachedAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (host.Bus is not { } bus || bus.Deliveries.Find(clientType) is not { } loop)
                return false;
            if (andAllBefore)
                return await loop.AskAsync(queue => queue.IsSettledUpTo(position), cancellationToken).ConfigureAwait(false);
            return await FindAsync(position).ConfigureAwait(false) is { } e
                && await loop.AskAsync(queue => queue.IsSettled(e.Key, position), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false; // The bus stops meanwhile.
        }
    }

    /// <summary>
    /// What the bus knows about why it is not reached, in words. The time for that is short: whoever asks has waited for long, and what the test does to
    /// the bus must not take the place of what it is told.
    /// </summary>
    public async Task<string> ExplainAsync()
    {
        using var limit = new CancellationTokenSource(ExplanationLimit, TimeProvider.System);
        try
        {
            return await DescribeAsync(limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or StoreException or ObjectDisposedException)
        {
            var store = host.StoreFaults.Fails ? " The store is told to fail." : host.StoreFaults.Delay.IsSet ? " The store is told to be slow." : "";
            return host.Bus is null ? Stopped : $"Nothing more is known: the bus does not answer.{store}";
        }
    }

    private async Task<string> DescribeAsync(CancellationToken cancellationToken)
    {
        if (host.Bus is not { } bus)
            return Stopped;
        if (bus.Deliveries.Find(clientType) is not { } loop)
        {
            var known = bus.Deliveries.List().Select(l => $"'{l.Name}'").ToArray();
            return $"The bus does not know this client type; it knows {(known.Length > 0 ? string.Join(", ", known) : "none")}. Has the service started?";
        }

        if (loop.IsDefect)
            return "A defect of the bus has stopped this client type.";

        // The loop itself, not what an operator is told: that asks the store as well, which may be told to fail.
        var status = await loop.AskAsync(queue => queue.Describe(), cancellationToken).ConfigureAwait(false);
        if (position > bus.Log.Head)
            return $"The log ends at position {bus.Log.Head}.";
        var instances = status.Instances.Count == 1 ? "1 instance is live" : $"{(status.Instances.Count == 0 ? "No" : status.Instances.Count)} instances are live";
        var judged = status.Cursor < position ? $", and events after {status.Cursor} were not looked at yet" : "";
        return $"{instances}{judged}. {await DescribeKeyAsync(loop, status, cancellationToken).ConfigureAwait(false)}".TrimEnd();
    }

    private async Task<string> DescribeKeyAsync(ClientTypeLoop loop, ClientTypeStatus status, CancellationToken cancellationToken)
    {
        var owed = andAllBefore ? status.OldestUnacked ?? position : position;
        if (await FindAsync(owed).ConfigureAwait(false) is not { } e || await loop.AskAsync(queue => queue.DescribeKey(e.Key), cancellationToken).ConfigureAwait(false) is not { } key)
            return "";
        var failures = key.Failures == 0 ? "" : $"; it failed {(key.Failures == 1 ? "once" : $"{key.Failures} times")} so far";
        return key.OldestUnacked is null && key.Next is null ? "" : $"The key '{e.Key}' ({e.EventType} at {owed}) waits: {key.Why}{failures}.";
    }

    private async ValueTask<EventHeader?> FindAsync(long at)
    {
        // The log itself, not the bus's way to it, which may be told to fail.
        var found = await host.Log.ReadHeadersAsync(at - 1, 1, CancellationToken.None).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }
}
