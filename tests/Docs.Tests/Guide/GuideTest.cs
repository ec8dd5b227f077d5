using Sequent.Client;
using Sequent.Testing;

namespace Docs.Tests.Guide;

/// <summary>A bus, and a client that knows the types of the guide.</summary>
public abstract class GuideTest
{
    private CancellationTokenSource _limit = null!;

    protected SequentTestBus Bus { get; private set; } = null!;

    protected SequentClient Client { get; private set; } = null!;

    protected CancellationToken Token => _limit.Token;

    [SetUp]
    public async Task StartAsync()
    {
        _limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Bus = await SequentTestBus.StartAsync(cancellationToken: Token);
        Client = Bus.CreateClient(configure: AddTypes);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await Client.DisposeAsync();
        await Bus.DisposeAsync();
        _limit.Dispose();
    }

    protected static void AddTypes(SequentOptions options) =>
        options.Events.Add<Deposited>().Add<Withdrawn>().Add<TransferRequested>().Add<TransferAccepted>().Add<TransferRejected>();

    protected async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(10, Token);
    }
}
