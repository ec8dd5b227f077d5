using System.Runtime.CompilerServices;
using Sequent.Bus;
using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;

namespace Sequent.Testing.Faults;

/// <summary>The way of one run of the bus to the log, which fails or is slow as told, and stores nothing more once the run was killed.</summary>
internal sealed class FaultyStore(InMemoryStore inner, StoreFaults faults) : IEventStore, IDeliveryStore
{
    private readonly CancellationTokenSource _killed = new();
    private readonly IDeliveryStore _deliveries = inner;

    public string LogId => inner.LogId;

    /// <summary>From now on nothing is stored and nothing answered, whatever is under way.</summary>
    public void Kill() => _killed.Cancel();

    public async ValueTask<LogEnd> OpenAsync(CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken).ConfigureAwait(false);
        return await inner.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<KeyValuePair<string, KeyEnd>> ReadKeysAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var key in inner.ReadKeysAsync(cancellationToken).ConfigureAwait(false))
            yield return key;
    }

    public async ValueTask<AppendOutcome> AppendAsync(IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await PassAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            return AppendOutcome.NotCommitted;
        }

        return await inner.AppendAsync(events, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<string?> FindObstacleAsync(CancellationToken cancellationToken) => AfterAsync(inner.FindObstacleAsync, cancellationToken);

    public ValueTask<long> RecoverAsync(CancellationToken cancellationToken) => AfterAsync(inner.RecoverAsync, cancellationToken);

    public ValueTask<IReadOnlyDictionary<Guid, StoredPlace>> FindAsync(IReadOnlyCollection<Guid> eventIds, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.FindAsync(eventIds, ct), cancellationToken);

    public ValueTask<LogSlice> ReadAsync(LogRange range, CancellationToken cancellationToken) => AfterAsync(ct => inner.ReadAsync(range, ct), cancellationToken);

    public ValueTask<LogSlice> ReadTypesAsync(IReadOnlyCollection<string> eventTypes, LogRange range, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadTypesAsync(eventTypes, range, ct), cancellationToken);

    public ValueTask<LogSlice> ReadCorrelatedAsync(uint correlationId, LogRange range, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadCorrelatedAsync(correlationId, range, ct), cancellationToken);

    public ValueTask<IReadOnlyList<StoredEvent>> ReadAtAsync(IReadOnlyList<long> positions, int maxBytes, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadAtAsync(positions, maxBytes, ct), cancellationToken);

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAsync(long after, int max, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadHeadersAsync(after, max, ct), cancellationToken);

    public ValueTask<IReadOnlyList<EventHeader>> ReadHeadersAtAsync(IReadOnlyList<long> positions, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadHeadersAtAsync(positions, ct), cancellationToken);

    public ValueTask<IReadOnlyList<long>> ReadChainAsync(ChainWalk walk, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadChainAsync(walk, ct), cancellationToken);

    public ValueTask<long> FindTimeAsync(long timeMicros, CancellationToken cancellationToken) => AfterAsync(ct => inner.FindTimeAsync(timeMicros, ct), cancellationToken);

    public ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken) => AfterAsync(_deliveries.LoadAsync, cancellationToken);

    public async ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken).ConfigureAwait(false);
        await inner.SaveAsync(changes, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken).ConfigureAwait(false);
        await inner.ForgetAsync(clientType, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.ReadDeadLettersAsync(clientType, after, max, ct), cancellationToken);

    public ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken) =>
        AfterAsync(ct => inner.CountDeadLettersAsync(clientType, ct), cancellationToken);

    /// <summary>The log itself stays: the next run goes on with it.</summary>
    public ValueTask DisposeAsync() => default;

    private async ValueTask<T> AfterAsync<T>(Func<CancellationToken, ValueTask<T>> access, CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken).ConfigureAwait(false);
        return await access(cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="StoreException">The store is told to fail, or the run was killed.</exception>
    private async ValueTask PassAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _killed.Token);
        try
        {
            await faults.Delay.PassAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_killed.IsCancellationRequested)
        {
            // Said below, as to everybody who comes later.
        }

        if (_killed.IsCancellationRequested)
            throw new StoreException("The test killed the bus.");
        faults.ThrowIfFailing();
    }
}
