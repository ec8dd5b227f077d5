namespace Sequent.Bus.Tests.Simulation;

/// <summary>Runs everything the bus does on one thread, in an order drawn from the seed: the same seed gives the same run.</summary>
internal sealed class SimulationContext(Random random) : SynchronizationContext
{
    private const int Endless = 200_000;

    private readonly List<(SendOrPostCallback Work, object? State)> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public bool IsIdle => _ready.Count == 0;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException($"Work came from another thread; the run could not be repeated: {Environment.StackTrace}");
        _ready.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs until nothing is ready.</summary>
    public void Run()
    {
        Run(Endless);
        if (_ready.Count > 0)
            throw new AssertionException("The bus does not come to rest.");
    }

    /// <summary>Runs at most so many pieces of work.</summary>
    public void Run(int max)
    {
        for (; max > 0 && _ready.Count > 0; max--)
        {
            var index = random.Next(_ready.Count);
            var (work, state) = _ready[index];
            _ready[index] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            work(state);
        }
    }

    /// <summary>The process died.</summary>
    public void Clear() => _ready.Clear();
}
