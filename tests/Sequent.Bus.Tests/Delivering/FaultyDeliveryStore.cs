using Sequent.Bus.Storage;
using Sequent.Bus.Storage.InMemory;

namespace Sequent.Bus.Tests.Delivering;

/// <summary>Delivery state in memory, which cannot be written as long as it is told so.</summary>
internal sealed class FaultyDeliveryStore(InMemoryStore? inner = null) : IDeliveryStore
{
    private readonly InMemoryStore _inner = inner ?? new();
    private readonly Lock _lock = new();
    private readonly List<long> _deadLetters = [];
    private int _failures;

    public volatile bool Fails;

    /// <summary>Runs before anything is saved.</summary>
    public Func<Task>? BeforeSaving { get; set; }

    public int Failures => Volatile.Read(ref _failures);

    public IReadOnlyList<long> DeadLetters
    {
        get
        {
            lock (_lock)
                return [.. _deadLetters];
        }
    }

    public ClientTypeRecord? Saved(string name) => ((IDeliveryStore)_inner).LoadAsync(default).AsTask().Result.FirstOrDefault(r => r.Name == name);

    public ValueTask<IReadOnlyList<ClientTypeRecord>> LoadAsync(CancellationToken cancellationToken) => ((IDeliveryStore)_inner).LoadAsync(cancellationToken);

    public async ValueTask SaveAsync(IReadOnlyList<ClientTypeChanges> changes, CancellationToken cancellationToken)
    {
        if (BeforeSaving is { } before)
            await before();
        FailIfTold();
        lock (_lock)
            _deadLetters.AddRange(changes.SelectMany(c => c.DeadLetters).Select(d => d.Position));
        await _inner.SaveAsync(changes, cancellationToken);
    }

    public ValueTask ForgetAsync(string clientType, CancellationToken cancellationToken)
    {
        FailIfTold();
        return _inner.ForgetAsync(clientType, cancellationToken);
    }

    public ValueTask<IReadOnlyList<DeadLetter>> ReadDeadLettersAsync(string clientType, long after, int max, CancellationToken cancellationToken) =>
        _inner.ReadDeadLettersAsync(clientType, after, max, cancellationToken);

    public ValueTask<long> CountDeadLettersAsync(string clientType, CancellationToken cancellationToken) => _inner.CountDeadLettersAsync(clientType, cancellationToken);

    private void FailIfTold()
    {
        if (!Fails)
            return;
        Interlocked.Increment(ref _failures);
        throw new StoreException("told to fail");
    }
}
