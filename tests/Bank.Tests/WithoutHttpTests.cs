using Bank.Accounts;
using Bank.Contracts;
using Microsoft.Extensions.Hosting;
using Sequent.Client;

namespace Bank.Tests;

[TestFixture(Storage.Sqlite)]
[TestFixture(Storage.Postgres)]
public class WithoutHttpTests(Storage storage)
{
    [Test]
    public async Task Accounts_decides_in_a_generic_host_without_http()
    {
        await using var bank = await BankUnderTest.StartBusAsync(storage);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["Sequent:Server"] = bank.BusAddress;
        builder.Configuration["ConnectionStrings:State"] = bank.StateOf("accounts");
        builder.Services.AddAccountsWork(builder.Configuration);
        using var host = builder.Build();
        await host.StartAsync();

        await using var client = bank.CreateBusClient();
        var request = await client.PublishAsync(new AccountCreationRequest("r", default), Sequence.At(Keys.Request("r"), 0));
        await client.PublishAsync(new PendingTransaction(7, request.Position!.Value, 99, new Money(1)), Sequence.At(Keys.Transaction(7), 0));
        var account = await Eventually.ReadAsync(() => client.ReadAsync<Account>(Keys.Account(request.Position!.Value)), a => a.State.Exists);
        var transfer = await Eventually.ReadAsync(() => client.ReadAsync<Transfer>(Keys.Transaction(7)), t => t.State.Ended);

        Assert.That(account.LastValue, Is.Zero);
        Assert.That((transfer.LastValue, transfer.State.Reason), Is.EqualTo(((uint?)1, Reasons.UnknownAccount)));
        await host.StopAsync();
    }
}
