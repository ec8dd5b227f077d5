using System.Text.Json;
using Bank.Contracts;

namespace Bank.Tests;

/// <summary>The events as they stand in the log. A change here breaks every log there is.</summary>
public class ContractTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static IEnumerable<TestCaseData> Events()
    {
        yield return new(new AccountCreationRequest("r1", Time), """{"RequestID":"r1","Timestamp":"2026-01-02T03:04:05+00:00"}""");
        yield return new(new AccountCreated("r1", 9007199254740991), """{"RequestID":"r1","AccountID":9007199254740991}""");
        yield return new(new PendingTransaction(7, 1, 2, new Money(1250)), """{"TransactionID":7,"FromAccountID":1,"ToAccountID":2,"Amount":"12.50"}""");
        yield return new(new AcceptedTransaction(7), """{"TransactionID":7}""");
        yield return new(new RejectedTransaction(7, Reasons.UnknownAccount), """{"TransactionID":7,"Reason":"unknown_account"}""");
        yield return new(new ConfirmedCredit(2, new Money(5), Time, Note: "deposit"), """{"AccountID":2,"Amount":"0.05","Timestamp":"2026-01-02T03:04:05+00:00","Note":"deposit"}""");
        yield return new(new ConfirmedDebit(1, new Money(5), Time, 7), """{"AccountID":1,"Amount":"0.05","Timestamp":"2026-01-02T03:04:05+00:00","TransactionID":7}""");
    }

    [TestCaseSource(nameof(Events))]
    public void An_event_is_written_as_the_contract_says_and_reads_back(object data, string json)
    {
        var text = JsonSerializer.Serialize(data, data.GetType(), BankJson.Default);

        Assert.That(text, Is.EqualTo(json));
        Assert.That(JsonSerializer.Deserialize(text, data.GetType(), BankJson.Default), Is.EqualTo(data));
    }

    [TestCase("12.5")]
    [TestCase("12")]
    [TestCase("a.bc")]
    public void An_amount_in_another_form_is_refused(string amount) =>
        Assert.That(() => JsonSerializer.Deserialize($$"""{"TransactionID":7,"FromAccountID":1,"ToAccountID":2,"Amount":"{{amount}}"}""", BankJson.Default.PendingTransaction),
            Throws.InstanceOf<JsonException>());

    [Test]
    public void Keys_are_those_of_the_contract() =>
        Assert.That(new[] { Keys.Request("r"), Keys.Account(12), Keys.Transaction(9007199254740991) }, Is.EqualTo(new[] { "req-r", "acc-12", "tx-9007199254740991" }));
}
