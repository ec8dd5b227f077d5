using Sequent.Bus.Delivering;
using Sequent.Bus.Operating;
using Sequent.Bus.Storage;

namespace Sequent.Testing.Running;

/// <summary>Whether a client type has settled what it is waited for, and if not, why.</summary>
/// <param name="host">The bus.</param>
/// <param name="clientType">Who is waited for.</param>
/// <param name="position">What is waited for.</param>
/// <param name="andAllBefore">Everything before it too.</param>
internal sealed class Settlement(BusHost host, string clientType, long position, bool andAllBefore)
{
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

    /// <summary>What the bus knows about why it is not reached, in words.</summary>
    public async Task<string> ExplainAsync()
    {
        if (host.Bus is not { } bus)
            return "The bus is stopped.";
        var about = new Operator(bus);
        if (await about.FindClientTypeAsync(clientType, CancellationToken.None).ConfigureAwait(false) is not { } view)
        {
            var known = (await about.ListClientTypesAsync(CancellationToken.None).ConfigureAwait(false)).Select(v => $"'{v.Name}'");
            return $"The bus does not know this client type; it knows {(known.Any() ? string.Join(", ", known) : "none")}. Has the service started?";
        }

        if (view.Status is not { } status)
            return "A defect of the bus has stopped this client type.";
        if (position > bus.Log.Head)
            return $"The log ends at position {bus.Log.Head}.";
        var instances = status.Instances.Count == 1 ? "1 instance is live" : $"{(status.Instances.Count == 0 ? "No" : status.Instances.Count)} instances are live";
        var judged = status.Cursor < position ? $", and events after {status.Cursor} were not looked at yet" : "";
        return $"{instances}{judged}. {await ExplainKeyAsync(about, status).ConfigureAwait(false)}".TrimEnd();
    }

    private async Task<string> ExplainKeyAsync(Operator about, ClientTypeStatus status)
    {
        var owed = andAllBefore ? status.OldestUnacked ?? position : position;
        if (await FindAsync(owed).ConfigureAwait(false) is not { } e || await about.DescribeKeyAsync(clientType, e.Key, CancellationToken.None).ConfigureAwait(false) is not { } key)
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
