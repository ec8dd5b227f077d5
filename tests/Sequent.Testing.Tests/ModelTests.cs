using Moq;
using Sequent.Client;
using Sequent.Protocol;

namespace Sequent.Testing.Tests;

public class ModelTests
{
    [Test]
    public void An_event_context_has_what_a_handler_looks_at()
    {
        var unit = new Mock<IUnit>();

        var context = SequentModels.EventContext(new Deposited(1m), unit.Object, "acc-7", value: 3, position: 9, attempt: 2, redelivered: true);
        context.Append("acc-8", new Withdrawn(1m));

        Assert.That((context.Data, context.Key, context.Value, context.Position, context.Attempt, context.Redelivered), Is.EqualTo((new Deposited(1m), "acc-7", 3u, 9L, 2, true)));
        unit.Verify(u => u.Append("acc-8", new Withdrawn(1m)));
    }

    [Test]
    public void An_event_has_the_name_of_its_type_and_an_id_and_a_time()
    {
        var (named, other) = (SequentModels.RecordedEvent(new WithdrawalRequested(1m)), SequentModels.RecordedEvent(new Deposited(1m)));

        Assert.That((named.EventType, other.EventType), Is.EqualTo(("withdrawal.requested", "Deposited")));
        Assert.That((named.EventId, other.EventId), Is.Not.EqualTo((other.EventId, named.EventId)).And.Not.EqualTo(((Guid?)null, (Guid?)null)));
        Assert.That(other.Time, Is.EqualTo(TimeProvider.System.GetUtcNow()).Within(TimeSpan.FromHours(1)));
        Assert.That(Account.Apply(Account.Initial, other).Balance, Is.EqualTo(1m));
    }

    [Test]
    public void An_event_can_be_given_any_name()
    {
        Assert.That(SequentModels.RecordedEvent(new Deposited(1m), eventType: "deposited.v1").EventType, Is.EqualTo("deposited.v1"));
    }

    [Test]
    public async Task A_receipt_answers_a_mocked_client()
    {
        var client = new Mock<ISequentClient>();
        client.Setup(c => c.PublishAsync(new Deposited(1m), "acc-7", null, default)).ReturnsAsync(SequentModels.Receipt("acc-7", value: 4, position: 12));

        var receipt = await client.Object.PublishAsync(new Deposited(1m), "acc-7");

        Assert.That((receipt.IsSuccess, receipt.Key, receipt.Value, receipt.Position), Is.EqualTo((true, "acc-7", 4u, 12L)));
        Assert.That(SequentModels.Receipt(position: null, status: ReceiptStatus.Inconsistent).IsSuccess, Is.False);
    }
}
