namespace Sequent.Testing.Faults;

/// <summary>What a test wants of the store; it outlives the store of one run of the bus.</summary>
internal sealed class StoreFaults
{
    private volatile bool _fails;

    public bool Fails
    {
        get => _fails;
        set => _fails = value;
    }

    public Delay Delay { get; } = new();
}
