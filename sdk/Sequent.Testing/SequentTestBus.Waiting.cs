using Sequent.Client;
using Sequent.Testing.Running;

namespace Sequent.Testing;

/// <summary>What a test waits for.</summary>
public sealed partial class SequentTestBus
{
    /// <summary>Nothing announces that something was settled, so it is asked for so often.</summary>
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// Waits until a client type has settled everything published so far: acked, given up as a dead letter, or not wanted by it. What its handlers
    /// appended is in the log then.
    /// </summary>
    /// <param name="clientType">The client type.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="TimeoutException">It has not within <see cref="Patience"/>; the message tells what the bus knows about why.</exception>
    public async Task WaitUntilSettledAsync(string clientType, CancellationToken cancellationToken = default)
    {
        var end = await _host.Log.OpenAsync(cancellationToken).ConfigureAwait(false);
        await WaitAsync(new Settlement(_host, clientType, end.Position, andAllBefore: true), clientType, "everything up to ", end.Position, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until a client type has settled the event at a position, whatever else it owes; see <see cref="WaitUntilSettledAsync(string, CancellationToken)"/>.</summary>
    /// <param name="clientType">The client type.</param>
    /// <param name="position">The event; it may be yet to come.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="TimeoutException">It has not within <see cref="Patience"/>; the message tells what the bus knows about why.</exception>
    public Task WaitUntilSettledAsync(string clientType, long position, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(position, 1);
        return WaitAsync(new Settlement(_host, clientType, position, andAllBefore: false), clientType, "", position, cancellationToken);
    }

    /// <summary>Waits until a client type has settled the event of a receipt, whatever else it owes; see <see cref="WaitUntilSettledAsync(string, CancellationToken)"/>.</summary>
    /// <param name="clientType">The client type.</param>
    /// <param name="receipt">The receipt of the event.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="ArgumentException">The receipt is not one of success, so there is no event.</exception>
    /// <exception cref="TimeoutException">It has not within <see cref="Patience"/>; the message tells what the bus knows about why.</exception>
    public Task WaitUntilSettledAsync(string clientType, Receipt receipt, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(receipt);
        return receipt.Position is { } position
            ? WaitUntilSettledAsync(clientType, position, cancellationToken)
            : throw new ArgumentException($"Nothing is stored at this receipt's place: {receipt}.", nameof(receipt));
    }

    private async Task WaitAsync(Settlement settlement, string clientType, string what, long position, CancellationToken cancellationToken)
    {
        using var limit = new Limit(Patience, cancellationToken);
        try
        {
            while (!await settlement.IsReachedAsync(limit.Token).ConfigureAwait(false))
                await Task.Delay(AskInterval, TimeProvider.System, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsReached)
        {
            var why = await settlement.ExplainAsync().ConfigureAwait(false);
            var hint = _options.FreezeTime ? " Time is frozen: a back-off or deadline ends only when Time.Advance passes it." : "";
            throw new TimeoutException($"'{clientType}' has not settled {what}position {position} within {limit}. {why}{hint}");
        }
    }
}
