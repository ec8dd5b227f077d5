using Sequent.Bus.Tests.Wire;

namespace Sequent.Bus.Tests.Conformance;

/// <summary>Every test has a bus of its own, in memory.</summary>
internal abstract class WireTest
{
    protected BusUnderTest Bus { get; private set; } = null!;

    [SetUp]
    public async Task StartBus() => Bus = await BusUnderTest.StartAsync(Configure);

    [TearDown]
    public async Task StopBus() => await Bus.DisposeAsync();

    /// <summary>What the bus of these tests is told.</summary>
    protected virtual void Configure(SequentBusOptions options)
    {
    }
}

/// <summary>And a v2 client that is connected to it.</summary>
internal abstract class V2WireTest : WireTest
{
    protected WireClient Client { get; private set; } = null!;

    [SetUp]
    public async Task Connect() => Client = await Bus.ConnectV2Async();

    [TearDown]
    public async Task Disconnect() => await Client.DisposeAsync();
}
