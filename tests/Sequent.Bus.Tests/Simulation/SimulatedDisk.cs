using Sequent.Bus.Storage.InMemory;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>
/// What outlives a process: every write that was finished, in its order. A transaction is on it whole or not at all, as SQLite has it; where the
/// power fails under durability <c>os</c>, the last transactions are gone, and the log is another one.
/// </summary>
internal sealed class SimulatedDisk
{
    private readonly List<(Action<InMemoryStore> Write, IReadOnlyList<(string ClientType, TimeSpan TakenAt)> Saves)> _writes = [];
    private Dictionary<string, TimeSpan> _durableBefore = [];
    private int _powerFailures;

    public InMemoryStore Store { get; private set; } = new() { LogId = "simulated-0" };

    /// <param name="write">One transaction.</param>
    /// <param name="saves">The client types whose state it saves, and since when their changes have waited for it.</param>
    public void Write(Action<InMemoryStore> write, IReadOnlyList<(string ClientType, TimeSpan TakenAt)> saves)
    {
        write(Store);
        _writes.Add((write, saves));
        Note(saves);
    }

    /// <summary>What the bus did for a client type before this moment is on disk.</summary>
    public TimeSpan DurableBefore(string clientType) => _durableBefore.GetValueOrDefault(clientType);

    /// <summary>The power fails: the last transactions are gone.</summary>
    public void Forget(int count)
    {
        _writes.RemoveRange(Math.Max(0, _writes.Count - count), Math.Min(count, _writes.Count));
        Store = new InMemoryStore { LogId = $"simulated-{++_powerFailures}" };
        _durableBefore = [];
        foreach (var (write, saves) in _writes)
        {
            write(Store);
            Note(saves);
        }
    }

    private void Note(IReadOnlyList<(string ClientType, TimeSpan TakenAt)> saves)
    {
        foreach (var (clientType, takenAt) in saves)
            _durableBefore[clientType] = takenAt;
    }
}
