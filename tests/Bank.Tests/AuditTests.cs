using Bank.Contracts;
using Demo;
using Sequent.Client;

namespace Bank.Tests;

/// <summary>The audit is what everything else is judged by: it has to see every lie.</summary>
public class AuditTests
{
    private static readonly Money Ten = new(10_00);
    private static readonly PendingTransaction Request = new(7, 1, 2, Ten);

    private static IEnumerable<TestCaseData> Lies()
    {
        yield return Lie("A balance below zero", ("acc-1", new ConfirmedDebit(1, new Money(10_01), default)));
        yield return Lie("Accepted without entries", ("tx-7", Request), ("tx-7", new AcceptedTransaction(7)));
        yield return Lie("Two endings", ("tx-7", Request), ("tx-7", new RejectedTransaction(7, "x")), ("tx-7", new RejectedTransaction(7, "x")));
        yield return Lie("Rejected, and yet money moved", ("tx-7", Request), ("tx-7", new RejectedTransaction(7, "x")),
            ("acc-1", new ConfirmedDebit(1, Ten, default, 7)), ("acc-2", new ConfirmedCredit(2, Ten, default, 7)));
        yield return Lie("A debit without a credit", ("tx-7", Request), ("tx-7", new AcceptedTransaction(7)), ("acc-1", new ConfirmedDebit(1, Ten, default, 7)));
        yield return Lie("Another amount", ("tx-7", Request), ("tx-7", new AcceptedTransaction(7)),
            ("acc-1", new ConfirmedDebit(1, new Money(1), default, 7)), ("acc-2", new ConfirmedCredit(2, new Money(1), default, 7)));
        yield return Lie("A credit of no transfer", ("acc-2", new ConfirmedCredit(2, Ten, default, 8)));
        yield return Lie("An account created twice", ("acc-2", new AccountCreated("r2", 2)));
        yield return Lie("Money under another account's key", ("acc-2", new ConfirmedCredit(1, Ten, default)));
        yield return Lie("Money on no account", ("acc-3", new ConfirmedCredit(3, Ten, default)));
    }

    [TestCaseSource(nameof(Lies))]
    public async Task A_broken_promise_is_found((string Key, object Data)[] events)
    {
        var audit = await AuditAsync(events);

        Assert.That(audit.Findings, Is.Not.Empty);
    }

    [Test]
    public async Task A_log_in_order_has_no_findings()
    {
        var audit = await AuditAsync(("tx-7", Request), ("tx-7", new AcceptedTransaction(7)),
            ("acc-1", new ConfirmedDebit(1, Ten, default, 7)), ("acc-2", new ConfirmedCredit(2, Ten, default, 7)));

        Assert.That(audit.Findings, Is.Empty);
        Assert.That((audit.PaidIn, audit.Balances[1], audit.Balances[2], audit.Transfers[7].Status), Is.EqualTo((Ten, Money.Zero, Ten, TransferStatus.Accepted)));
    }

    private static async Task<BankAudit> AuditAsync(params (string Key, object Data)[] events)
    {
        await using var bank = await BankUnderTest.StartBusAsync();
        await using var client = bank.CreateBusClient();
        (string, object)[] begin = [("acc-1", new AccountCreated("r1", 1)), ("acc-2", new AccountCreated("r2", 2)), ("acc-1", new ConfirmedCredit(1, Ten, default))];
        foreach (var (key, data) in begin.Concat(events))
            await client.PublishAsync(data, Sequence.Next(key));
        return await BankAudit.ReadAsync(client, CancellationToken.None);
    }

    private static TestCaseData Lie(string what, params (string, object)[] events) => new TestCaseData(new object[] { events }).SetArgDisplayNames(what);
}
