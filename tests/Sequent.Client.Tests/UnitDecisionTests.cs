using Sequent.Client.Tests.Support;
using Sequent.Protocol;

namespace Sequent.Client.Tests;

/// <summary>Decisions that are stored under an id already.</summary>
internal sealed class UnitDecisionTests : BusTest
{
    private static readonly (string Key, object Data) First = ("k", new Deposited(1m));
    private static readonly (string Key, object Data) Second = ("l", new Deposited(2m));

    private static IEnumerable<TestCaseData> Others()
    {
        yield return Case("of another key", [First], [First with { Key = "other" }]);
        yield return Case("of another type", [First], [First with { Data = new Withdrawn(1m) }]);
        yield return Case("with other data", [First], [First with { Data = new Deposited(9m) }]);
        yield return Case("that begins alike", [First, Second], [First, Second with { Data = new Deposited(9m) }]);
        yield return Case("that is shorter", [First], [First, Second]);

        static TestCaseData Case(string name, (string, object)[] theirs, (string, object)[] mine) => new TestCaseData(theirs, mine).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Others))]
    public async Task What_somebody_else_decided_meanwhile_is_not_reported_as_ones_own((string Key, object Data)[] theirs, (string Key, object Data)[] mine)
    {
        var options = new UpdateOptions { DecisionId = Guid.CreateVersion7() };
        var other = NewClient();

        var result = await Client.UpdateAsync(
            async (unit, _) =>
            {
                await DecideAsync(other, options, theirs);
                Append(unit, mine);
            },
            options,
            Token);

        Assert.That(result.EarlierDecisionStood, Is.True);
        Assert.That(result.Receipts.Select(r => (r.Status, r.Key)), Is.EqualTo(theirs.Select(e => (ReceiptStatus.Duplicate, e.Key))));
        Assert.That(result.Data, Is.EqualTo(theirs.Select(e => e.Data)));
    }

    [Test]
    public async Task An_earlier_decision_is_read_at_one_go_once_it_is_found()
    {
        var options = new UpdateOptions { DecisionId = Guid.CreateVersion7() };
        await DecideAsync(Client, options, First, Second, Second);
        var asked = Bus.CountReceived<QueryMessage>();

        var result = await DecideAsync(Client, options, First);

        Assert.That(result.Data, Has.Count.EqualTo(3));
        Assert.That(Bus.CountReceived<QueryMessage>() - asked, Is.EqualTo(2));
    }

    private Task<UpdateResult> DecideAsync(SequentClient client, UpdateOptions options, params (string Key, object Data)[] events) => client.UpdateAsync(
        (unit, _) =>
        {
            Append(unit, events);
            return Task.CompletedTask;
        },
        options,
        Token);

    private static void Append(IUnit unit, (string Key, object Data)[] events)
    {
        foreach (var (key, data) in events)
            unit.Append(key, data);
    }
}
