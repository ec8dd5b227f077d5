using Sequent.Bus;

namespace Sequent.Testing.Faults;

/// <summary>What a test wants of the store; it outlives the store of one run of the bus.</summary>
internal sealed class StoreFaults
{
    private volatile bool _fails;
    private long _failed;

    public bool Fails
    {
        get => _fails;
        set => _fails = value;
    }

    /// <summary>How many accesses failed because they were told to.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    public Delay Delay { get; } = new();

    /// <exception cref="StoreException">The store is told to fail.</exception>
    public void ThrowIfFailing()
    {
        if (!_fails)
            return;
        Interlocked.Increment(ref _failed);
        throw new StoreException("The test lets the store fail.");
    }
}
