using System.Diagnostics;
using Sequent.Bus;

[assembly: Parallelizable(ParallelScope.All)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]

namespace Sequent.Client.Tests.Support;

/// <summary>A test with a bus and a client of its own. Nothing it waits for may take longer than <see cref="Token"/>.</summary>
internal abstract class BusTest
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly List<IAsyncDisposable> _disposables = [];

    protected FaultyBus Bus { get; private set; } = null!;

    protected SequentClient Client { get; private set; } = null!;

    protected CancellationToken Token => _limit.Token;

    [SetUp]
    public async Task StartBusAsync()
    {
        Bus = await FaultyBus.StartAsync(ConfigureBus, OnAttribute.Present);
        Client = NewClient();
    }

    [TearDown]
    public async Task StopBusAsync()
    {
        await Client.DisposeAsync();
        foreach (var disposable in Enumerable.Reverse(_disposables))
            await disposable.DisposeAsync();
        await Bus.DisposeAsync();
        _limit.Dispose();
    }

    /// <summary>Changes the options of the bus.</summary>
    protected virtual void ConfigureBus(SequentBusOptions options)
    {
    }

    protected SequentClient NewClient(Action<SequentOptions>? configure = null) => Use(Bus.CreateClient(options =>
    {
        options.Events.Add<Deposited>().Add<Withdrawn>().Add<Renamed>();
        configure?.Invoke(options);
    }));

    protected T Use<T>(T disposable)
        where T : IAsyncDisposable
    {
        _disposables.Add(disposable);
        return disposable;
    }

    protected async Task<List<RecordedEvent>> EventsOfAsync(params string[] keys)
    {
        var events = new List<RecordedEvent>();
        await foreach (var e in Client.QueryAsync(new EventQuery { Keys = keys }, Token))
            events.Add(e);
        return events;
    }

    protected static async Task<T> ThrownByAsync<T>(Func<Task> action)
        where T : Exception
    {
        try
        {
            await action();
        }
        catch (T e)
        {
            return e;
        }

        throw new AssertionException($"{typeof(T).Name} was not thrown.");
    }

    /// <summary>Waits for a condition that nothing announces.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(15))
                Assert.Fail($"Waited in vain until {what}.");
            await Task.Delay(5);
        }
    }
}
