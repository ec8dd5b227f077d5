using Moq;
using Sequent.Client;

namespace Sequent.Testing.Tests;

/// <summary>The tests that docs/testing.md shows.</summary>
public class ExampleTests
{
    [Test]
    public async Task A_withdrawal_beyond_the_balance_is_refused()
    {
        var unit = new Mock<IUnit>();
        unit.Setup(u => u.ReadAsync<Account>("acc-7", It.IsAny<CancellationToken>())).ReturnsAsync(new Account(Balance: 10m));
        var context = SequentModels.EventContext(new WithdrawalRequested(20m), unit.Object, key: "acc-7");

        await new WithdrawalHandler().HandleAsync(context, CancellationToken.None);

        unit.Verify(u => u.Append("acc-7", new WithdrawalRefused("insufficient_funds")), Times.Once);
    }

    [Test]
    public async Task Of_two_withdrawals_that_the_balance_covers_once_one_is_paid()
    {
        await using var bus = await SequentTestBus.StartAsync();
        await using var service = await bus.StartServiceAsync("accounts", s => s
            .AddHandler<WithdrawalHandler, WithdrawalRequested>().AddEvent<Deposited>().AddEvent<Withdrawn>().AddEvent<WithdrawalRefused>());

        await bus.PublishAsync(new Deposited(30m), "acc-7");
        bus.Faults.RejectNext("acc-7");
        await bus.PublishAsync(new WithdrawalRequested(20m), "acc-7");
        await bus.PublishAsync(new WithdrawalRequested(20m), "acc-7");
        await bus.WaitUntilSettledAsync("accounts");

        Assert.That(await bus.PublishedAsync<Withdrawn>("acc-7"), Is.EqualTo(new[] { new Withdrawn(20m) }));
        Assert.That(await bus.PublishedAsync<WithdrawalRefused>("acc-7"), Has.Count.EqualTo(1));
    }
}
